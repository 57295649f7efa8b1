"""What others measure: signals are declared, fall silent, and are heard again. None of this moves the model.

A silent signal is a finding, and no suspicion: a suspect model is looked at for what it is suspected of alone, and who
falls silent must not make others go unheard.
"""

from __future__ import annotations

from statemachine import events as e
from statemachine.commands import DeclareSignals, NoteReturn, NoteSilence
from statemachine.draft import Draft
from statemachine.errors import Refused
from statemachine.externals import ExternalSignal, changed


def declare_signals(draft: Draft, command: DeclareSignals) -> None:
    """Let these be the signals. Repeating it changes nothing."""
    known = draft.health.signals
    told = [ExternalSignal(**one) for one in command.signals]
    lasting = changed(known, told)
    if lasting:
        raise Refused("declare_signals", str(draft.health.place), lasting)
    if {one.name: one.told() for one in told} != {n: one.told() for n, one in known.items() if not one.withdrawn}:
        draft.add(e.SignalsDeclared(signals=command.signals))


def note_silence(draft: Draft, command: NoteSilence) -> None:
    """Note that a signal is silent, once."""
    signal = draft.health.signals.get(command.subject)
    if signal is None or not signal.limit_us or command.subject in draft.health.silent:
        raise Refused("note_silence", str(draft.health.place), f"nobody waits for {command.subject!r}")
    draft.add(
        e.SignalSilenced(
            subject=command.subject, provider=command.provider, reason=command.reason, last_us=command.last_us,
            evidence=command.evidence,
        )
    )  # fmt: skip


def note_return(draft: Draft, command: NoteReturn) -> None:
    """Note that a silent signal is heard again."""
    if command.subject not in draft.health.silent:
        raise Refused("note_return", str(draft.health.place), f"{command.subject!r} is not silent")
    draft.add(
        e.SignalHeard(
            subject=command.subject, provider=command.provider, last_us=command.last_us, evidence=command.evidence
        )
    )
