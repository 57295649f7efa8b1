"""The signals that conditions may name: what the watch can tell of a model when a window of rows ends.

All are numbers. One that cannot be told is not known, and so is every condition that names it.
"""

from __future__ import annotations

#: By name: what it tells, and when it is not known.
SIGNALS: dict[str, str] = {
    "loss.level": "mean loss of the champion, of the last window of labelled rows; not known before that is full",
    "loss.up": "by which share `loss.level` lies above what is normal for the champion; not known where that is 0",
    "loss.rows": "labelled rows that `loss.level` is of",
    "loss.estimated": "what a row of the window is expected to cost, judged without labels by scores or features; "
    "blind to a changed concept; not known where the reference tells too little, or of a champion that came later",
    "loss.estimated_error": "standard error of `loss.estimated`, of rows that come as they did in the reference",
    "loss.estimated_up": "by which share `loss.estimated` lies above what is normal for the champion; "
    "not known where that is 0",
    "segment.log_evidence": "evidence that the loss rose in any of the policy's segments, in nats; not known without",
    "segment.up": "by which share the loss of the worst segment, of the last window of labelled rows, lies above what "
    "is normal for it and accepted; not known where no segment has labels there",
    "segment.drift_log_evidence": "evidence that the features drifted in any of them, in nats; not known where the "
    "policy does not look for it",
    "drift.log_evidence": "evidence that the features drifted, in nats",
    "drift.features": "features that are named as drifted",
    "quality.faults": "faults of the data that were found in the window",
    "labels.coverage": "share of a window of rows, as old as labels usually are, that have theirs",
    "labels.behind": "rows between the last labelled one and the newest",
    "labels.delay_p50_s": "seconds within which half of those labels came, to an eighth; not known where none came",
    "labels.delay_p90_s": "seconds within which 90 % of them came",
    "latency.p50_ms": "milliseconds in which half of the window's predictions were made, to an eighth; "
    "not known where it was not told",
    "latency.p99_ms": "milliseconds in which 99 % of them were made",
    "rows": "rows that came since the model is under watch",
}

#: Of each metric series, as `metric["name"].value`.
OF_METRICS: dict[str, str] = {
    "value": "the newest point",
    "baseline": "the middle of the first points; not known while the series is learnt",
    "ratio": "`value` over `baseline`; not known where that is 0",
}


def metric(name: str, part: str) -> str:
    """Give the name of a metric's signal.

    >>> metric("latency p99", "ratio")
    'metric["latency p99"].ratio'
    """
    return f'metric["{name}"].{part}'
