"""Consequences: every entry of a model's feed is looked at once, in order, and what follows is written with it."""

from __future__ import annotations

from server.desk import FOLLOWER, Desk
from server.reactions import canary, conditions, explaining, remedy, shapes, signals, silences, suspicion
from server.reactions.scene import Scene
from server.watching.closings import Closing, LabelBlock, LabelWindow, RowWindow, SeriesPoint
from statemachine import commands as c
from statemachine import timers
from statemachine.errors import Refused
from statemachine.words import CANARY, HEALTHY, RETIRED
from store.ports import Unit
from store.records import Cursor, Timer

MOST_TIMERS = 100  #: that may fire for one model at one moment


def follow(desk: Desk, unit: Unit, model: str) -> None:
    """Look at everything in the feed of *model* that was not looked at yet."""
    if desk.health(unit, model).place == RETIRED:
        return
    cursor, head = unit.cursor(model, FOLLOWER), unit.feed_head(model)
    # A watch holds all rows of its model: it is made when some are new, and not to learn that there are none.
    if (cursor.seq if cursor else 0) >= head.seq:
        return
    watch = desk.watch(unit, model)
    desk.touch(model)
    for item, entry in desk.entries(unit, model, watch.seq, head.seq):
        scene = Scene(desk, unit, model, lambda: watch, item.watermark_us)
        if desk.clock.follows_stream:
            _pass_time(scene)
        unit.put(Cursor(stream=model, name=FOLLOWER, seq=item.seq, body=b""))
        for closing in watch.take(item.seq, entry):
            _react(scene, closing)
            unit.stay()
        # By the system's clock what was taken in while nobody looked is no silence: it counts where the feed has ended.
        if desk.clock.follows_stream or item.seq == head.seq:
            silences.look(scene)
        move_on(desk, unit, model)


def _react(scene: Scene, closing: Closing) -> None:
    match closing:
        case LabelBlock():
            suspicion.look(scene)
            conditions.accept(scene)
            canary.look(scene)
        case LabelWindow():
            signals.look_at_labels(scene, closing)
        case RowWindow():
            signals.look_at_window(scene, closing)
            shapes.look(scene, closing)
            conditions.look(scene)
            explaining.explain_anew(scene, closing)
        case SeriesPoint():
            signals.look_at_point(scene, closing)


def move_on(desk: Desk, unit: Unit, model: str, *, asked: bool = False) -> None:
    """Take the steps that need no more data: explain, seek a remedy, scope it.

    Raises:
        Refused: A call *asked* for the remedy, and it cannot be scoped.
    """
    scene = Scene.of(desk, unit, model, asked=asked)
    explaining.explain(scene)
    suspicion.seek_remedy(scene)
    remedy.scope(scene)


def fire_timers(desk: Desk, unit: Unit, model: str, now_us: int) -> int:
    """Fire the timers of *model* that are due at *now_us*; give how many did something."""
    fired = 0
    for due in sorted(unit.timers(model), key=lambda one: (one.due_us, one.name)):
        if due.due_us > now_us:
            break
        desk.touch(model)
        follow(desk, unit, model)  # rows that nobody has looked at yet are no silence, and may prove something
        scene = Scene(desk, unit, model, desk.looking(unit, model), now_us, end=unit.feed_head(model).next_row)
        fired += silences.fire(scene) if due.name == timers.SIGNALS else _fire(scene)
        move_on(desk, unit, model)
    return fired


def _pass_time(scene: Scene) -> None:
    """Fire what the stream's own clock has passed on its way to this entry."""
    for _ in range(MOST_TIMERS):
        live = timers.live(scene.health)
        if live is None or live.due_us > scene.watermark_us or not _fire(scene):
            return
        move_on(scene.desk, scene.unit, scene.model)


def _fire(scene: Scene) -> int:
    """Fire the live timer of a model. A silence that is none yet only winds it up again."""
    health = scene.health
    live = timers.live(health)
    if live is None:
        return 0
    # A canary lives on labelled rows: whether any came tells a lack of traffic from a lack of proof.
    at_row = scene.watch.labelled_end if health.place in CANARY else scene.at_row
    command = c.FireTimer(name=live.name, visit=live.visit, at_row=at_row)
    if health.place == HEALTHY and not timers.waits_for_a_person(health):
        silence = signals.silence(scene)
        if silence is None:
            # Wound up again, so that a model in good health is not looked at with every tick of the clock.
            again = Timer(stream=scene.model, name=live.name, due_us=signals.silent_from_us(scene), visit=live.visit)
            scene.unit.put(again)
            return 0
        what, evidence = silence
        command = c.FireTimer(name=live.name, visit=live.visit, at_row=scene.at_row, note=what, evidence=evidence)
    try:
        return len(scene.act(command))
    except Refused:
        return 0
