"""Looks: what the signals of conditions are when a window of rows ends. Taken only where a policy names some."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from monitoring.drift.watches import DriftFinding
from monitoring.performance.estimate import Estimated
from monitoring.profiles.logbins import count_durations, quantile
from monitoring.signals.series import SeriesWatch
from server.intake.feed import Floats
from server.watching.tape import Tape
from statemachine.policies.conditions import signals_of
from statemachine.policies.policy import Policy
from statemachine.policies.signals import metric

Signals = dict[str, float | None]
ESTIMATED, ESTIMATED_ERROR, ESTIMATED_UP = "loss.estimated", "loss.estimated_error", "loss.estimated_up"
LATENCIES = {"latency.p50_ms": 0.5, "latency.p99_ms": 0.99}
DELAYS = {"labels.delay_p50_s": 0.5, "labels.delay_p90_s": 0.9}
MILLISECOND_US, SECOND_US = 1_000, 1_000_000
ESTIMATES = frozenset((ESTIMATED, ESTIMATED_ERROR, ESTIMATED_UP))


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The signals of one window, but for those of the loss, which depend on the champion that is asked about."""

    first_row: int
    end_row: int
    blocks: int  #: of labelled rows, closed by then
    signals: Signals


def named_by(policy: Policy) -> frozenset[str]:
    """Give the signals that the conditions of *policy* name, and what they are made of."""
    found = frozenset(name for one in policy.conditions for name in signals_of(one.when))
    return found | {ESTIMATED} if ESTIMATED_UP in found else found


def of_labels(tape: Tape, rows: tuple[int, int], labelled_end: int, reference_rows: int, delay: int) -> Signals:
    """Tell how labels came, when the window *rows* ended; *delay* is how many rows later they usually come."""
    due = np.arange(rows[0] - delay, rows[1] - delay)
    alive = due[~tape.erased[due]] if due[0] >= reference_rows else due[:0]
    share = float(tape.living(alive).sum()) / len(alive) if len(alive) else None
    behind = float(max(rows[1] - labelled_end, 0))
    known = {"labels.coverage": share, "labels.behind": behind, "rows": float(rows[1] - reference_rows)}
    return known | _quantiles(tape.delay_us[alive], DELAYS, SECOND_US)


def of_estimate(found: Estimated | None) -> Signals:
    """Tell what the window is expected to cost."""
    return {} if found is None else {ESTIMATED: found.loss, ESTIMATED_ERROR: found.error}


def of_segments(found: Sequence[DriftFinding]) -> Signals:
    """Tell what segments say together of drift: the mean of their evidence, by the number of them in the window."""
    if not found:
        return {}
    most = max(one.log_evidence for one in found)
    mean = math.fsum(math.exp(one.log_evidence - most) for one in found) / len(found)
    return {"segment.drift_log_evidence": most + math.log(mean)}


def of_latency(tape: Tape, rows: tuple[int, int]) -> Signals:
    """Tell how long predictions of the window *rows* took, as far as it was told."""
    return _quantiles(tape.latency_us[slice(*rows)][~tape.erased[slice(*rows)]], LATENCIES, MILLISECOND_US)


def _quantiles(durations_us: Floats, shares: Mapping[str, float], unit_us: int) -> Signals:
    counts = count_durations(durations_us)
    told = {name: quantile(counts, share) for name, share in shares.items()}
    return {name: None if found is None else found / unit_us for name, found in told.items()}


def of_series(name: str, watch: SeriesWatch, newest: float) -> Signals:
    """Tell what is known of one metric series."""
    normal = None if watch.phase == "learning" else watch.baseline()
    ratio = newest / normal if normal else None
    return {metric(name, "value"): newest, metric(name, "baseline"): normal, metric(name, "ratio"): ratio}


def kept(found: Mapping[str, float | None], named: frozenset[str]) -> Signals:
    """Keep what conditions name; what is not known says so, as does what is no number, as of a baseline of nearly 0."""
    known = {name: one for name, one in found.items() if one is not None and math.isfinite(one)}
    return {name: known.get(name) for name in sorted(named)}
