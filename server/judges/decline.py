"""Judges of the champion's loss: whether it rose, whether it lasts, and whether a challenger does better."""

from __future__ import annotations

from collections.abc import Callable

from monitoring.performance import decline, onset, regret, segments, shifts
from server.judges.rulings import Inputs, Ruling, challenged, moved, raised, recovered, resolved
from statemachine.policies.policy import Policy


def alarm_of_before(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Dated by the loudest span, which reaches back before a change where the value was high already."""
    found = decline.alarm(inputs, policy)
    if not found.raised:
        return None
    rows = inputs["rows"]
    return raised(
        inputs,
        "shiryaev_roberts@1",
        found.log_evidence,
        rows[found.onset] if found.onset < len(rows) else inputs["at_row"],
    )


def alarm(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Dated by where the value rose; what raises the alarm is as before."""
    found = decline.alarm(inputs, policy)
    if not found.raised:
        return None
    rose = _rise(inputs, policy)
    return raised(inputs, "shiryaev_roberts@2", found.log_evidence, int(inputs["rows"][rose.index]))


def loss_note(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Note a loss that moved anew within an incident, up or down, dated by where it moved."""
    found = shifts.judge(inputs, policy)
    return moved(inputs, found) if found is not None and found.told else None


def segment_alarm(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Name the segment that speaks loudest, dated by where its loss rose."""
    found = segments.alarm(inputs, policy)
    if not found.raised:
        return None
    about = {**inputs, "subject": found.name}
    [mine] = [one for one in inputs["segments"] if one["name"] == found.name]
    rose = onset.likeliest(mine["blocks"], float(mine["level"]), int(mine["window"]))
    return raised(about, "segment_shiryaev_roberts@1", found.log_evidence, int(inputs["rows"][rose.index]))


def _rise(inputs: Inputs, policy: Policy) -> onset.Change:
    """Date the rise of a value, to one of the windows before this look, as the alarm itself goes back."""
    level, window = float(inputs["level"]), int(inputs["window"])
    return onset.likeliest(inputs["blocks"], level, window, policy.windows.blocks)


def resolve(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Say whether rows since the alarm confirm a decline or clear it."""
    found = decline.resolve(inputs, policy)
    return resolved(inputs, found.verdict, found.log_evidence)


def persistence(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Say whether a decline lasts for longer than a blip may, or has been cleared."""
    found = decline.persists(inputs, policy)
    return resolved(inputs, found.verdict, found.log_evidence)


def recovery(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Say that the champion does as well as it did."""
    found = decline.recovered(inputs, policy)
    return recovered(inputs, found.log_evidence) if found.verdict == "recovered" else None


def recovery_from_rise(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Say that the rise is over, where the champion does as well as it did and no better."""
    found = decline.returned(inputs, policy)
    return recovered(inputs, found.log_evidence) if found.verdict == "recovered" else None


def challenge(inputs: Inputs, policy: Policy) -> Ruling:
    """Say what challengers have shown on rows that the champion served."""
    found = regret.judge(inputs, policy)
    return challenged(inputs, found.finding, found.log_evidence)


def regret_alarm_of_before(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Dated by the first row on which challengers met the champion this time."""
    found = regret.judge(inputs, policy)
    if found.finding != "regret":
        return None
    return raised(inputs, "regret@1", found.log_evidence, int(inputs["onset_row"]))


def regret_alarm(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Dated by where the champion's own loss rose; one that never rose says nothing of when the world moved on."""
    found = regret.judge(inputs, policy)
    if found.finding != "regret":
        return None
    rose = _rise(inputs["served"], policy)
    since = inputs["served"]["rows"][rose.index] if rose.nats >= onset.LEAST_NATS else inputs["onset_row"]
    return raised(inputs, "regret@2", found.log_evidence, int(since))


Look = Callable[[Inputs, Policy], decline.Resolution]


def second_look(inputs: Inputs, policy: Policy, look: Look) -> Ruling:
    """Say what came of a regret alarm, by fresh rows."""
    found = look(inputs, policy)
    return challenged(inputs, found.verdict, found.log_evidence)


def regret_resolve(inputs: Inputs, policy: Policy, look: Look) -> Ruling | None:
    """An improvement clears the alarm too: what it tells of is no decline."""
    found = look(inputs, policy)
    verdict = "cleared" if found.verdict == "improvement" else found.verdict
    return resolved(inputs, verdict, found.log_evidence)
