"""What the fields of a policy mean: what stands beside them in the code, and here what is too long to stand there."""

from __future__ import annotations

import inspect
import re
from typing import Any

#: What fields mean that the dataclasses leave to their names.
MEANING: dict[str, str] = {
    "fallback": "What serves when the ladder of escalation has ended: nothing else, or the version before",
    "escalation_levels": "Times that a degraded model without a remedy is escalated before the ladder ends",
    "loss.seasons": (
        "Seasons in which rows are expected to cost more or less, by the clock of `drift.utc_offset_minutes`: each row "
        "is held against what its own hour, part of the day, weekday, weekend or month cost in the reference, as far "
        "as chance does not explain the difference. Rows of a season of which the reference has fewer than 50 with a "
        "label count neither for a decline nor against it. They may be named at any time"
    ),
    "confirmation.alpha": "Error of the test on rows after the alarm; a third asks for odds of three to one",
    "drift.false_alarm_windows": "Windows that pass on average before a false alarm, at least",
    "drift.tolerance": "Change in total variation that does not matter",
    "drift.confirm": "E-value, on windows after the alarm, that confirms it",
    "drift.clear": "Windows of a drift that lasts which pass on average before it is cleared in error, at least",
    "drift.persistence": "How many of the last `of` windows after the alarm must speak for drift",
    "drift.of": "Windows that `persistence` looks back on",
    "drift.fdr": "False discovery rate of the features that are named",
    "drift.projections": (
        "Sums of two to four features that are watched beside them: half of those whose features go together most, "
        "half drawn. They show when features go together otherwise, though each looks as it did. None by default, "
        "since a window takes longer to count; they are learned with the reference, so a model that was registered "
        "with fewer cannot be given more"
    ),
    "drift.shapes": (
        "Whether features are also watched for changes that none of the alternatives of drift is near to: a value that "
        "comes too often, a middle that is hollow, values that move from one part of the range to another. What came "
        "of late is learned and bet on. Such alarms come ten times as rarely as `drift.false_alarm_windows`, at most. "
        "Not by default, since what follows the seasons is a shape as well, and a window takes longer to judge; not "
        "where seasons are named"
    ),
    "drift.seasons": (
        "Seasons in which rows are expected to look different: each row is held against the rows of the reference in "
        "its own hour of the day, part of the day (four hours), weekday, weekend or not, or month, or in their "
        "combination. One of which the reference has fewer than 50 rows speaks neither for drift nor against it. They "
        "are counted when a model is registered, and none can be added later. Not asked for by default: fewer rows "
        "teach what to expect, so where nothing follows the clock a small shift is seen later"
    ),
    "drift.by_label": (
        "When rows of one label, up to eight classes or the fifths of an amount, are held against rows of the same, so "
        "that what leaves further, or leaves within one class, is noted: once a feature has left all rows together, "
        "always, or never. It raises no suspicion. Classes share `drift.false_alarm_windows`; one of which the "
        "reference has fewer than 50 rows is watched among all others. `always` takes some milliseconds more for each "
        "feature and class when labels first come behind a start. Not where `seasons` are named"
    ),
    "drift.together": (
        "When the groups of `drift.by_label` are asked all at once whether their rows have moved since the last that "
        "was told, by all features together, so that a world that moves again is told of before it can be learned: "
        "once a feature has left all rows, always, or never. It is noted with the three features that show it best, "
        "and raises no suspicion. It has `drift.false_alarm_windows` of its own. Not where `drift.by_label` is `never`"
    ),
    "drift.utc_offset_minutes": "How many minutes the clock of all seasons is ahead of UTC, all the year",
    "quality.false_alarm_windows": "Windows that pass on average before a false alarm, at least",
    "quality.extra_share": "Share of bad rows, above that of the reference, that is tolerated",
    "quality.extra_ratio": "Multiple of the reference's share of bad rows that is tolerated",
    "quality.looks_for": (
        "Faults that are looked for beside those that counts tell. `sentinel`: one value that suddenly stands for "
        "missing ones. `unit`: a feature whose values are converted, which must be asked for, since a world that "
        "moves by just such a factor looks the same. `absurd`: values so far beyond all of the reference that one row"
        " is a fault; they have as many false alarms as all other kinds together, at most. `resent`: rows that were "
        "ingested in an earlier window come again in their order, under other ids. `labels`: more rows than in the "
        "reference have no label when it is due, twice `label_delay_rows` and a window later, or no label is of a "
        "class any more; it must be asked for, since many a stream has labels for a part of its rows only, and since "
        "a class that dies out looks the same. `clock`: a stretch without rows that is none of the rhythm of the "
        "reference (`gap`, which is noted), times that stand still (`clock_still`), and rows that run behind, as in "
        "another time zone (`clock_behind`); it must be asked for, since batches that were held back look the same"
    ),
    "quality.rules": "What must hold of every row across its columns; see below",
    "quality.entity": (
        "The feature that says whose a row is, as a station or a device of many. Where it is named, a sensor of one "
        "entity that repeats a value row after row is a fault (`frozen`), though the others vary: of a measured "
        "feature, from a run on that is twice as long as any of the reference, and, by how runs went on there, as rare "
        "as the false alarms that are accepted. Its rows alone are kept out of training. None by default, since a "
        "service cannot know which feature that is"
    ),
    "quality.alarms": "Whether broken data raise suspicion",
    "diagnosis.least_labels": "Labelled rows since the onset below which no loss is explained",
    "diagnosis.errors": "Standard errors by which the loss, and each part of it, must stand out",
    "diagnosis.least_share": "Share of the rise below which a cause is not listed",
    "diagnosis.anew": (
        "Whether an open incident is diagnosed anew each time that the rows since its onset have doubled. Where "
        "another cause is named first, remedies follow that one"
    ),
    "segments.run_length": "Looks that pass on average before a false alarm in any segment, at least",
    "segments.alpha": (
        "Chance that what is normal for any segment is put too low, by the few rows of it in the reference; all "
        "segments share it; and once more in its canary"
    ),
    "segments.least_rows": (
        "Labelled rows in the reference below which a segment is not watched, and in a holdout below which gates do "
        "not judge it"
    ),
    "segments.drift": (
        "Whether drift is looked for within each segment too, against its own rows of the reference, at least 50. All "
        "segments share `drift.false_alarm_windows`; `drift.alarms` says when it raises suspicion. Not by default: a "
        "server that starts takes some milliseconds more for each feature and segment. Not where seasons are named"
    ),
    "segments.alarms": "Whether a loss that rose in a segment alone, or drift in it, raises suspicion",
    "segments.splits": "Columns by which rows are told apart; see below. None by default, and nothing is watched",
    "segments.splits.column": "Name of the feature",
    "segments.splits.values": (
        "Of a feature of words: the categories that are watched, each of which the model knows; none means all that "
        "the reference has"
    ),
    "segments.splits.edges": "Of a number: where its bins meet, rising; each bin holds its lower edge",
    "metrics.baseline_points": "First points of a series that give its baseline",
    "metrics.alarm": "E-value that raises suspicion",
    "metrics.confirm": "E-value, on points after the alarm, that confirms it",
    "metrics.clear": "E-value against the alarm, on points after it, that clears it",
    "metrics.persistence": "How many of the last `of` points after the alarm must be bad",
    "metrics.of": "Points that `persistence` looks back on",
    "bakeoff.least_gain": "Relative fall of the loss below which a lead does not count",
    "bakeoff.most_entrants": "Entrants of a bake-off besides doing nothing, the lightest first",
    "gates.mandatory": (
        "Gates that a candidate must pass: of holdout, gain, sample, sanity, calibration and churn; where segments are "
        "declared also of segments (it is worse in none, nor shown to be in a canary) and cure (what the incident is "
        "about is better, a segment or the whole). Where there are too few rows to tell, neither is passed"
    ),
    "gates.segment_tolerance": (
        "Relative rise of the loss in a segment, against the champion on the same rows, that is no harm"
    ),
    "gates.segment_alpha": (
        "Chance that a candidate is refused for a segment in which it does no harm; all segments that have "
        "`segments.least_rows` rows in the holdout share it. A canary has it once more, and so has the "
        "watch after promotion"
    ),
    "canary.rungs_bp": "Shares of the units that a candidate may serve, in basis points, rising",
    "canary.route_ttl_seconds": "How long a route is served without being renewed",
    "refresh.on_improvement": "Retrain a healthy model when challengers show that more data make a better one",
    "budget.remediations": "Remedies that the service may start by itself within the window",
    "budget.window_days": "Days over which remedies are counted",
    "budget.attempts": "Times that a job is tried",
    "budget.doublings": "Times that the pause doubles, failure after failure",
    "approvals.required": "Ask before training; who asked for the remedy cannot approve it",
    "tier": (
        "How much depends on the model, of which 1 is the most. 1: a doubt that stays is a decline, and the next "
        "review is due after 180 days; 2 and 3: a person decides about a doubt, and it is due after 365 and 730"
    ),
    "timers.suspect_seconds": "In doubt, until it is a decline or a person decides, by `tier`",
    "timers.degraded_seconds": "Degraded without a remedy, until the next escalation",
    "timers.scoping_seconds": "Until a remedy that could not be scoped is given up",
    "timers.approval_seconds": "Until silence is a refusal",
    "timers.queued_seconds": "Until a job that no worker took is given up",
    "timers.leased_seconds": "Until a job that a worker holds is given up",
    "timers.validating_seconds": "Until a candidate without a verdict is given up",
    "timers.shadow_seconds": "Until a candidate that could not leave the shadow is turned back",
    "timers.rung_seconds": "Until a candidate that could not leave its rung is turned back",
    "timers.promoting_seconds": "Until a promotion that was not confirmed is taken back",
    "timers.rolled_back_seconds": "After a rollback, until the model is judged again",
    "timers.notify_again_seconds": "Between two reminders while a person has the wheel",
}


def meanings(section: Any, prefix: str) -> dict[str, str]:  # noqa: ANN401 - a class
    """Say what the fields of a section, whose names begin with *prefix*, mean."""
    return {**{name.removeprefix(prefix): said for name, said in MEANING.items()}, **_comments(section)}


def _comments(section: Any) -> dict[str, str]:  # noqa: ANN401 - a class
    """Read what stands behind `#:` beside each field."""
    found = re.findall(r"^    (\w+): .*?#: (.+)$", inspect.getsource(section), re.MULTILINE)
    return {name: said.rstrip(".").replace("None:", "`null`:") for name, said in found}
