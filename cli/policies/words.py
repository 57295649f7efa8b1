"""A policy in sentences, for those who answer for a model and read no code. Each field is in one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from statemachine.policies.policy import Policy
from statemachine.policies.sections import Drift

DAY, HOUR, MINUTE = 86_400.0, 3_600.0, 60.0

#: What follows from a condition.
THEN = {
    "suspect": "suspicion is raised",
    "escalate": "suspicion is raised and people are told at once",
    "accept": "the alarm of a risen loss is accepted, on record",
}
Told = Callable[[Policy], Iterator[str]]
#: What waits for data; see `statemachine/timers.py`.
AT_LEAST = "or after as long as the reference took to gather where that is longer"


def sentences(policy: Policy) -> dict[str, list[str]]:
    """Give what *policy* says, by heading."""
    return {heading: list(told(policy)) for heading, told in CHAPTERS.items()}


def _charge(policy: Policy) -> Iterator[str]:
    doubt = (
        "a doubt that stays counts as a decline" if policy.tier == 1 else "a person decides about a doubt that stays"
    )
    yield f"This is a model of tier {policy.tier} of 3, of which 1 matters most: {doubt}."
    before = "Training starts only after a person, not the one who asked, agreed"
    yield f"{before}." if policy.approvals.required else "Training starts without asking a person."
    yield f"Who asks waits {_time(policy.timers.approval_seconds)} for an answer; silence is a refusal."
    ladder = f"A degraded model without a remedy is escalated each {_time(policy.timers.degraded_seconds)}, {AT_LEAST}"
    end = "the version before serves again" if policy.fallback == "previous_version" else "what serves goes on serving"
    yield f"{ladder}, {policy.escalation_levels} times; when the ladder ends, {end}."
    yield f"While a person is in charge, reminders come every {_time(policy.timers.notify_again_seconds)}."


def _looks(policy: Policy) -> Iterator[str]:
    rows = policy.windows.rows
    size = "a twentieth of the reference" if rows is None else f"{rows:,} rows"
    yield f"Rows are looked at in windows of {size}, in {policy.windows.blocks} blocks each."
    silent = policy.timers.silence_seconds
    after = "a time that the pace of the reference gives" if silent is None else _time(silent)
    yield f"Rows or labels that stay away for {after} raise suspicion."


def _loss(policy: Policy) -> Iterator[str]:
    loss, regret = policy.loss, policy.regret
    yield (
        f"A loss up to {_share(loss.tolerance)} above its baseline is accepted; what is more raises suspicion, "
        f"looked for "
        f"over the last {loss.memory} windows, with a false alarm in {loss.run_length:,g} looks at most, on average."
    )
    if loss.seasons:
        yield f"What a row costs is held against its own {_joined(loss.seasons)}, by the clock of drift."
    if regret.every == 0:
        yield "A healthy model is never challenged by newly trained ones."
    else:
        pace = f"with every {_share(regret.every)} of the reference"
        yield f"A healthy model is challenged by newly trained ones {pace}."
    yield (
        f"A challenger's lead counts from {_share(regret.least_gain)} of the loss on; the last {regret.memory} "
        f"challenges "
        f"share a chance of error of {regret.alpha:g}."
    )


def _confirmation(policy: Policy) -> Iterator[str]:
    yield (
        f"Only data after the alarm confirm or clear it, with a chance of error of "
        f"{policy.confirmation.alpha:g}; without "
        f"proof within {policy.confirmation.most_windows} windows it was a blip."
    )
    yield (
        f"A blip of the loss may last {policy.confirmation.blip_windows} windows: a decline must stand behind them, "
        f"with at least {_share(policy.confirmation.lasting_share)} of the rise that raised the alarm; "
        "once less of it is left, the champion is healthy again."
    )
    yield f"A doubt that nothing resolves ends after {_time(policy.timers.suspect_seconds)}, {AT_LEAST}."


def _together(drift: Drift) -> Iterator[str]:
    if drift.together != "never":
        since = {"after_drift": "Once a feature has left all rows, all", "always": "All"}[drift.together]
        yield f"{since} labels are asked at once whether their rows have moved anew; that is noted too."


def _by_label(drift: Drift) -> Iterator[str]:
    if drift.by_label == "never" or drift.seasons:
        yield "No rows are held against those of their own label."
        return
    since = {"after_drift": ", once a feature has left all of them", "always": ""}[drift.by_label]
    told = "what differs is noted, and raises no suspicion"
    yield f"Rows are held against those of their own label too{since}; {told}."
    yield from _together(drift)


def _drift(policy: Policy) -> Iterator[str]:
    drift = policy.drift
    when = {"without_labels": "while labels are missing", "always": "at any time", "never": "never"}[drift.alarms]
    yield f"Drift of features alone raises suspicion {when}; a change of {_share(drift.tolerance)} does not matter."
    yield (
        f"A false alarm of drift comes in {drift.false_alarm_windows:,g} windows at most, on average. It is "
        f"confirmed by odds of "
        f"{drift.confirm:g} and by {drift.persistence} of {drift.of} windows; one that lasts is cleared in error in "
        f"{drift.clear:g} windows at most, on average. Of the features named, {_share(drift.fdr)} may be named "
        f"in error."
    )
    if drift.projections:
        yield f"Up to {drift.projections} sums of features are watched too, to see whether they go together otherwise."
    yield from _by_label(drift)
    if drift.shapes and not drift.seasons:
        yield (
            "Changes of shape that no alternative is near to are learned and watched, with a tenth of those false "
            "alarms on top."
        )
    if drift.seasons:
        names = _joined(drift.seasons)
        clock = f"by a clock {drift.utc_offset_minutes:+} minutes from UTC"
        yield f"A row is held against those of its own {names}, {clock}."
    else:
        yield "A row is held against all of the reference, whatever its season."


def _segments(policy: Policy) -> Iterator[str]:
    segments = policy.segments
    if not segments.splits:
        yield "No part of the rows is watched by itself."
        return
    for split in segments.splits:
        known = f"the values {', '.join(split.values)}" if split.values else "every value of the reference"
        apart = f"the edges {', '.join(f'{edge:g}' for edge in split.edges)}" if split.edges else known
        yield f"Rows are told apart by `{split.column}`, by {apart} ({split.name})."
    what = "raises suspicion" if segments.alarms == "always" else "raises no suspicion"
    if segments.drift:
        yield "Drift is looked for within each of them too; together they have as many false alarms as the whole."
    yield (
        f"A loss that rose in one of these {what}, with a false alarm in {segments.run_length:,g} looks at most, on "
        f"average, over all of them; with a chance of {segments.alpha:g} any is held against too low a normal. One of "
        f"fewer than {segments.least_rows:,} labelled rows in the reference is not watched."
    )


def _quality(policy: Policy) -> Iterator[str]:
    quality = policy.quality
    yield "Broken data raise suspicion." if quality.alarms == "always" else "Broken data raise no suspicion."
    yield (
        f"Bad rows are tolerated up to {_share(quality.extra_share)} more than in the reference and up to "
        f"{quality.extra_ratio:g} times its share, with a false alarm in {quality.false_alarm_windows:,g} "
        f"windows at most, on average."
    )
    further = ", ".join(quality.looks_for) or "nothing"
    yield f"Beside what counts tell, windows are searched for: {further}."
    for rule in quality.rules:
        more = f"up to {_share(rule.tolerance)} more rows than in the reference may break it"
        yield f"Of every row `{rule.must}` must hold; {more} ({rule.name})."
    if quality.entity:
        yield f"A sensor of one `{quality.entity}` that repeats a value for longer than any did before is frozen."
    yield (
        f"{quality.clear_windows} windows without a fault clear or repair it; a fault that lasts "
        f"{quality.accept_windows} windows is the world as it is."
    )


def _metrics(policy: Policy) -> Iterator[str]:
    metrics = policy.metrics
    yield (
        f"A metric series learns its normal from {metrics.baseline_points} points. Evidence of "
        f"{metrics.alarm:g} raises "
        f"suspicion, {metrics.confirm:g} with {metrics.persistence} of {metrics.of} bad points confirms it, and "
        f"{metrics.clear:g} against it clears it."
    )


def _diagnosis(policy: Policy) -> Iterator[str]:
    cause = policy.diagnosis
    yield (
        f"A cause is named from {cause.least_labels:,} labelled rows on, if the loss stands out by "
        f"{cause.errors:g} standard "
        f"errors, and listed from {_share(cause.least_share)} of the rise on."
    )
    again = "each time that the rows since its onset have doubled" if cause.anew else "never"
    yield f"While an incident is open, it is diagnosed anew {again}."


def _gates(policy: Policy) -> Iterator[str]:
    bakeoff, gates = policy.bakeoff, policy.gates
    yield (
        f"At most {bakeoff.most_entrants} candidates compete with doing nothing, on {_share(bakeoff.holdout)} of the "
        "reference that none has seen, or on half of it soon behind a change; the winner leads by "
        f"{bakeoff.least_lead:g} standard errors and by "
        f"{_share(bakeoff.least_gain)} of the loss."
    )
    must = ", ".join(gates.mandatory) or "nothing"
    yield f"Before it scores in shadow, a candidate must pass: {must}."
    yield (
        f"The gates ask for {gates.least_sample:,} labelled rows, and accept {gates.calibration:g} more "
        f"calibration error and "
        f"{_share(gates.churn)} of changed answers."
    )
    if policy.segments.splits:
        yield (
            f"In a part of the rows a candidate may lose {_share(gates.segment_tolerance)} more than the champion; "
            f"that it loses more is said in error with a chance of {gates.segment_alpha:g} at most, over all parts of "
            f"{policy.segments.least_rows:,} rows or more. Of smaller ones nothing is said."
        )


def _canary(policy: Policy) -> Iterator[str]:
    canary, timers = policy.canary, policy.timers
    rungs = ", ".join(_share(one / 10_000) for one in canary.rungs_bp)
    yield f"A candidate is served to {rungs} of the units, then to all."
    yield (
        f"It climbs if, with a chance of error of {canary.alpha:g}, it is at most {_share(canary.margin)} "
        f"worse, and its "
        f"exposure times its worst credible excess is at most {canary.exposed_harm:g}."
    )
    yield (
        f"Without proof in {canary.most_windows} windows it is turned back; after promotion it is watched for "
        f"{canary.confirm_windows} windows."
    )
    yield (
        f"It may stay in shadow for {_time(timers.shadow_seconds)}, on a rung for {_time(timers.rung_seconds)} "
        f"and in promotion for {_time(timers.promoting_seconds)}, {AT_LEAST}; "
        f"a route holds {_time(canary.route_ttl_seconds)} unrenewed."
    )
    yield f"After a rollback the model is judged again in {_time(timers.rolled_back_seconds)}."


def _budget(policy: Policy) -> Iterator[str]:
    budget, timers = policy.budget, policy.timers
    yield f"The service starts at most {budget.remediations} remedies in {budget.window_days:g} days by itself."
    pause = budget.cooldown_seconds
    rest = "as long as a sixth of the reference took" if pause is None else _time(pause)
    yield f"After one it pauses {rest}, doubled up to {budget.doublings} times by failures."
    yield f"A job is tried {budget.attempts} times."
    who = "people are told at once, and nothing is trained" if budget.unexplained == "people" else "training is tried"
    yield f"Where a latency, or what else others measure, is out of bounds and no cause is found, {who}."
    more = "is" if policy.refresh.on_improvement else "is not"
    yield f"A healthy model {more} retrained because more data make a better one."
    yield (
        f"A remedy is given up {_time(timers.scoping_seconds)} without a scope, {_time(timers.queued_seconds)} "
        f"without a "
        f"worker, {_time(timers.leased_seconds)} at work, or {_time(timers.validating_seconds)} without a verdict."
    )


def _conditions(policy: Policy) -> Iterator[str]:
    if not policy.conditions:
        yield "Nothing else raises suspicion, and no rise of the loss beyond its tolerance is accepted."
    for one in policy.conditions:
        lasting = one.persistence
        held = f"in {lasting.at_least} of {lasting.of} windows" if lasting.of > 1 else "in a window"
        yield f"Where `{one.when}` holds {held}, {THEN[one.then]} ({one.name})."


#: By heading, in the order of a model's life.
CHAPTERS: dict[str, Told] = {
    "Who decides": _charge,
    "How data are looked at": _looks,
    "When a loss matters": _loss,
    "Parts of the rows": _segments,
    "Blip or decline": _confirmation,
    "Drift": _drift,
    "Broken data": _quality,
    "Metrics of others": _metrics,
    "Conditions of this model": _conditions,
    "Causes": _diagnosis,
    "What a candidate must show": _gates,
    "How it earns traffic": _canary,
    "What the service may do alone": _budget,
}


def _joined(seasons: tuple[str, ...]) -> str:
    return " and ".join(name.replace("_", " ") for name in seasons)


def _share(value: float) -> str:
    """Write a share as people do.

    >>> _share(0.05), _share(1 / 6)
    ('5 %', '16.6667 %')
    """
    return f"{value * 100:.6g} %"


def _time(seconds: float) -> str:
    """Write a time in the largest unit of which it is a whole number.

    >>> _time(86_400), _time(5_400), _time(1.5)
    ('1 day', '90 minutes', '1.5 seconds')
    """
    for size, unit in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:,.0f} {unit}{'s' * (seconds != size)}"
    return f"{seconds:.9g} second{'s' * (seconds != 1)}"
