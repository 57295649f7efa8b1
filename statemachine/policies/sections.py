"""The sections of a policy, each with its fields, their bounds and their defaults.

Quantities of rows derive from the size of the reference, so the defaults need no tuning.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from statemachine.policies.fields import (
    a_column,
    column,
    expression,
    one_of,
    rising,
    short_name,
    some_of,
    within,
    words,
)

#: Kinds of broken data that can be looked for beyond those that counts tell.
FAULTS = ("sentinel", "unit", "absurd", "resent", "labels", "clock")
SEASONS = ("hour", "part_of_day", "weekday", "weekend", "month")  #: by which rows can be told apart
MOST_SEGMENTS = 16  #: of a model, over all its splits
#: What a candidate can be asked; the last two where a policy declares segments.
GATES = ("holdout", "gain", "sample", "sanity", "calibration", "churn", "segments", "cure")
OF_SEGMENTS = GATES[-2:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """How rows are grouped. A window is a share of the reference; blocks are its fifths."""

    rows: int | None = within(5, 1_000_000, None)  #: rows in a window; None: a twentieth of the reference
    blocks: int = within(1, 100, 5)  #: blocks in a window, the units of sums

    def rows_for(self, reference_rows: int) -> int:
        """Give the rows of a window."""
        return self.rows or min(max(round(reference_rows / 20), 10), 2_000)

    def block_for(self, reference_rows: int) -> int:
        """Give the rows of a block."""
        return max(self.rows_for(reference_rows) // self.blocks, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LossAlarm:
    """When the champion's loss above its baseline, or the pinned version's lead, raises suspicion."""

    run_length: float = within(10, 1e9, 1_000.0)  #: looks between false alarms, at least, on average
    tolerance: float = within(0, 10, 0.05)  #: relative rise of the loss, or lead of a challenger, that is no decline
    memory: int = within(2, 1_000, 20)  #: windows that a decline may have begun back
    seasons: tuple[str, ...] = some_of(SEASONS, default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Regret:
    """How often a challenger of the same training size is tried, and when its lead counts."""

    every: float = within(0, 100, 1 / 6)  #: share of the reference between challenges; 0: never
    alpha: float = within(1e-6, 0.5, 0.2)  #: shared by all challengers; of the rounds that are looked at together
    least_gain: float = within(0, 1, 0.01)  #: relative fall of the loss below which a lead does not count
    memory: int = within(1, 100, 4)  #: challenges that are looked at together


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What data after an alarm must show, in either direction."""

    alpha: float = within(1e-6, 0.5, 1 / 3)
    most_windows: int = within(1, 1_000, 6)  #: without proof of decline by then it was a blip
    blip_windows: int = within(0, 1_000, 2)  #: windows that a blip of the loss may last: later rows confirm
    lasting_share: float = within(0, 1, 0.5)  #: share of the rise which they must show; with less left it is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """When features count as drifted; see `monitoring.drift.detector`."""

    false_alarm_windows: float = within(10, 1e9, 10_000.0)
    tolerance: float = within(0, 1, 0.02)
    confirm: float = within(1, 1e9, 100.0)
    clear: float = within(1, 1e9, 20.0)
    persistence: int = within(1, 100, 3)
    of: int = within(1, 100, 5)
    fdr: float = within(1e-6, 0.5, 0.05)
    seasons: tuple[str, ...] = some_of(SEASONS, default=())
    utc_offset_minutes: int = within(-720, 840, 0)
    alarms: str = one_of("without_labels", "always", "never")  #: when drift alone raises suspicion
    projections: int = within(0, 64, 0)
    by_label: str = one_of("after_drift", "always", "never")
    shapes: bool = False
    together: str = one_of("after_drift", "always", "never")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What must hold of every row: an expression over its columns, and the share of rows that may break it."""

    name: str = short_name()  #: how alarms name it, behind `rule:`
    must: str = expression("columns")  #: in the Common Expression Language
    tolerance: float = within(1e-6, 0.5, 0.01)  #: share of rows, above that of the reference, that is tolerated


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """When data count as broken; see `monitoring.quality.faults`."""

    false_alarm_windows: float = within(10, 1e9, 10_000.0)
    extra_share: float = within(0, 1, 0.05)
    extra_ratio: float = within(1, 1_000, 2.0)
    clear_windows: int = within(1, 1_000, 3)  #: windows without a fault that clear or repair
    accept_windows: int = within(1, 10_000, 10)  #: windows after which a fault that lasts is the world as it is
    looks_for: tuple[str, ...] = some_of(FAULTS, default=("sentinel", "absurd", "resent"))
    rules: tuple[Rule, ...] = ()
    entity: str = a_column()
    alarms: str = one_of("always", "never")


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A column by which rows are told apart: by its categories, or by the bins of a number."""

    name: str = short_name()  #: how its segments are named, as `region=north` or `age<30`
    column: str = column()
    values: tuple[str, ...] = words()
    edges: tuple[float, ...] = rising()

    def __post_init__(self) -> None:
        """Refuse what can never be."""
        if self.values and self.edges:
            message = "values and edges are both given; values of a word, or edges of a number, are accepted"
            raise ValueError(message)

    @property
    def least(self) -> int:
        """Segments that it has at least; without values and edges the model's categories tell how many."""
        return len(self.edges) + 1 if self.edges else max(len(self.values), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """Parts of the rows that are watched by themselves; see `monitoring.performance.segments`."""

    run_length: float = within(10, 1e9, 1_000.0)
    alpha: float = within(1e-6, 0.5, 0.05)
    least_rows: int = within(10, 1_000_000, 30)
    drift: bool = False
    alarms: str = one_of("always", "never")
    splits: tuple[Split, ...] = ()

    def __post_init__(self) -> None:
        """Refuse more segments than are watched."""
        least = sum(one.least for one in self.splits)
        if least > MOST_SEGMENTS:
            message = f"splits: {least} segments are not accepted; {MOST_SEGMENTS} over all splits are"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """When a cause is named; see `diagnosis.judge`."""

    least_labels: int = within(1, 1_000_000, 30)
    errors: float = within(0, 100, 2.5)
    least_share: float = within(0, 1, 0.1)
    anew: bool = True  #: see `statemachine.anew`


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """When a plain metric series raises suspicion, is confirmed, or cleared; see `monitoring.signals.series`."""

    baseline_points: int = within(2, 10_000, 8)
    alarm: float = within(1, 1e9, 20.0)
    confirm: float = within(1, 1e9, 30.0)
    clear: float = within(1, 1e9, 15.0)
    persistence: int = within(1, 100, 3)
    of: int = within(1, 100, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bakeoff:
    """How candidates are compared before any traffic."""

    holdout: float = within(0.01, 1, 1 / 6)  #: share of the reference that no entrant trains on; half behind a change
    least_lead: float = within(0, 10, 1.0)  #: standard errors by which the winner must lead doing nothing
    least_gain: float = within(0, 1, 0.01)
    most_entrants: int = within(1, 20, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """What a candidate must pass before it may score in shadow."""

    mandatory: tuple[str, ...] = some_of(GATES, default=GATES[:4])
    calibration: float = within(0, 1, 0.1)  #: rise of the calibration error that is accepted
    churn: float = within(0, 1, 1.0)  #: share of changed answers that is accepted
    least_sample: int = within(2, 1_000_000, 10)  #: labelled rows in the holdout
    segment_tolerance: float = within(0, 10, 0.05)
    segment_alpha: float = within(1e-6, 0.5, 0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """How a candidate earns traffic."""

    rungs_bp: tuple[int, ...] = (100, 500, 2_500, 5_000)
    alpha: float = within(1e-6, 0.5, 0.2)  #: of the two-sided confidence sequence
    margin: float = within(0, 1, 0.2)  #: relative excess loss that counts as not worse
    exposed_harm: float = within(0, 1, 0.1)  #: exposure times worst credible relative excess, to climb
    most_windows: int = within(1, 1_000, 16)  #: without proof by then the candidate is turned back
    confirm_windows: int = within(1, 1_000, 4)  #: of the watch after promotion
    route_ttl_seconds: int = within(5, 86_400, 900)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """Whether a healthy model is retrained because more data make a better one."""

    on_improvement: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much the service may do by itself."""

    remediations: int = within(1, 1_000, 3)
    window_days: float = within(0.01, 3_650, 30.0)
    attempts: int = within(1, 20, 3)
    cooldown_seconds: float | None = within(0, 1e8, None)  #: None: as long as a sixth of the reference took
    doublings: int = within(0, 10, 2)
    unexplained: str = one_of("people", "training")  #: who looks after a latency, or the like, whose cause is unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """Whether a person must agree before training."""

    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers:
    """When something happens by itself in each place, in seconds."""

    silence_seconds: float | None = within(1, 1e9, None)  #: None: derived from the pace of the reference
    suspect_seconds: float = within(1, 1e9, 86_400.0)
    degraded_seconds: float = within(1, 1e9, 86_400.0)
    scoping_seconds: float = within(1, 1e9, 3_600.0)
    approval_seconds: float = within(1, 1e9, 259_200.0)
    queued_seconds: float = within(1, 1e9, 86_400.0)
    leased_seconds: float = within(1, 1e9, 86_400.0)
    validating_seconds: float = within(1, 1e9, 3_600.0)
    shadow_seconds: float = within(1, 1e9, 604_800.0)
    rung_seconds: float = within(1, 1e9, 604_800.0)
    promoting_seconds: float = within(1, 1e9, 604_800.0)
    rolled_back_seconds: float = within(1, 1e9, 600.0)
    notify_again_seconds: float = within(1, 1e9, 86_400.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Persistence:
    """How long a condition must hold before it counts."""

    of: int = within(1, 50, 1)  #: windows that are looked back on
    at_least: int = within(1, 50, 1)  #: how many of them must hold; where a signal is not known, none does

    def __post_init__(self) -> None:
        """Refuse what can never be."""
        if self.at_least > self.of:
            message = f"at_least {self.at_least} of {self.of} is not accepted; up to {self.of} is"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What matters to this model: an expression over signals, and what follows while it holds."""

    name: str = short_name()  #: how events name it
    when: str = expression()  #: in the Common Expression Language
    persistence: Persistence = field(default_factory=Persistence)
    then: str = one_of("suspect", "escalate", "accept")  #: raise suspicion, tell people too, or accept a risen loss
