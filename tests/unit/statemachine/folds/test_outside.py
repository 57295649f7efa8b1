"""What is remembered of signals that others measure."""

from __future__ import annotations

from msgspec.structs import replace

from statemachine import events as e
from statemachine import timers
from statemachine.externals import ExternalSignal
from statemachine.health import ModelHealth
from statemachine.words import RETIRED
from tests.unit.statemachine.laws import EVIDENCE, born, folded

UNHURRIED = ExternalSignal(name="d", tolerance=1.0).told()  #: for which nobody waits
HEARD = e.SignalHeard(subject="b", provider="", last_us=2, evidence=EVIDENCE)


def declares(*names: str) -> e.SignalsDeclared:
    waited = [ExternalSignal(name=name, tolerance=1.0, interval_seconds=60.0, silent_after=3) for name in names]
    return e.SignalsDeclared(signals=[one.told() for one in waited])


def silenced(*names: str) -> ModelHealth:
    """Give a model that waits for three signals, of which *names* fell silent, one after another."""
    facts = [e.SignalSilenced(subject=name, provider="", reason="", last_us=1, evidence=EVIDENCE) for name in names]
    return folded(born(), declares("a", "b", "c"), *facts)


def test_a_signal_that_is_silent_stands_once_and_goes_when_it_is_heard() -> None:
    silent = silenced("c", "a", "c", "b")

    assert silent.silent == ("a", "b", "c")
    assert folded(silent, HEARD).silent == ("a", "c")


def test_a_signal_that_is_withdrawn_is_silent_no_more() -> None:
    assert folded(silenced("a", "b"), declares("b", "c")).silent == ("b",)


def test_only_signals_that_are_heard_are_waited_for_and_none_once_a_model_is_retired() -> None:
    health = folded(silenced("a", "b"), HEARD, e.SignalsDeclared(signals=[*declares("a", "b").signals, UNHURRIED]))

    assert timers.awaited(health) == {"b": 180_000_000}
    assert timers.awaited(replace(health, place=RETIRED)) == {}
