"""Silence of declared signals: noted when no point came for too long, and when points come again.

A finding, and no suspicion: it changes nothing of how the model is watched.
"""

from __future__ import annotations

from server.judges.rulings import Inputs
from server.reactions.scene import Scene
from statemachine import timers
from statemachine.externals import ExternalSignal
from store.records import Timer


def look(scene: Scene) -> int:
    """Note what has fallen silent and what is heard again; give how much that was."""
    waited = [one for one in scene.health.signals.values() if one.limit_us]
    return sum(_look_at(scene, one) for one in waited)


def fire(scene: Scene) -> int:
    """Look, since the timer of signals is due, and wind it up until the first of them would be silent."""
    noted = look(scene)
    health = scene.health
    due_us = [_last_us(scene, health.signals[name]) + limit_us for name, limit_us in timers.awaited(health).items()]
    if due_us:
        scene.unit.put(Timer(stream=scene.model, name=timers.SIGNALS, due_us=min(due_us), visit=0))
    return noted


def _look_at(scene: Scene, signal: ExternalSignal) -> bool:
    now_us, last_us = scene.desk.clock.now_us(scene.watermark_us), _last_us(scene, signal)
    quiet, noted = now_us - last_us >= signal.limit_us, signal.name in scene.health.silent
    if quiet == noted:
        return False
    inputs: Inputs = {
        "subject": signal.name, "provider": signal.provider, "last_us": last_us, "now_us": now_us,
        "interval_seconds": signal.interval_seconds, "silent_after": signal.silent_after,
    }  # fmt: skip
    return scene.follow("signal_silence@1" if quiet else "signal_return@1", inputs) is not None


def _last_us(scene: Scene, signal: ExternalSignal) -> int:
    """Say when the newest point was measured; not before anybody waited for one."""
    series = scene.watch.series.get(signal.name)
    return max(series.last_us if series else 0, signal.since_us)
