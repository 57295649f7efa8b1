"""The policy of a model: what matters to it, how sure the service must be, and what it may do alone.

Quantities of rows derive from the size of the reference, so the defaults need no tuning.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, get_type_hints

GATES = ("holdout", "gain", "sample", "sanity", "calibration", "churn")  #: what a candidate can be asked


class PolicyInvalid(ValueError):
    """A field of the policy cannot be taken as it is."""

    def __init__(self, name: str, why: str) -> None:
        """Name the dotted field."""
        super().__init__(f"{name}: {why}")
        self.name, self.why = name, why


def _within(low: float, high: float, default: Any) -> Any:  # noqa: ANN401 - dataclasses.field is typed as the field's own
    return field(default=default, metadata={"low": low, "high": high})


def _one_of(*accepted: str) -> Any:  # noqa: ANN401 - dataclasses.field is typed as the field's own
    return field(default=accepted[0], metadata={"accepted": accepted})


def _some_of(accepted: tuple[str, ...], default: tuple[str, ...]) -> Any:  # noqa: ANN401 - as above
    return field(default=default, metadata={"accepted": accepted})


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """How rows are grouped. A window is a share of the reference; blocks are its fifths."""

    rows: int | None = _within(5, 1_000_000, None)  #: rows in a window; None: a twentieth of the reference
    blocks: int = _within(1, 100, 5)  #: blocks in a window, the units of sums

    def rows_for(self, reference_rows: int) -> int:
        """Give the rows of a window."""
        return self.rows or min(max(round(reference_rows / 20), 10), 2_000)

    def block_for(self, reference_rows: int) -> int:
        """Give the rows of a block."""
        return max(self.rows_for(reference_rows) // self.blocks, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LossAlarm:
    """When the champion's loss above its baseline, or the pinned version's lead, raises suspicion."""

    run_length: float = _within(10, 1e9, 1_000.0)  #: looks between false alarms, at least, on average
    tolerance: float = _within(0, 10, 0.05)  #: relative rise of the loss that is accepted
    memory: int = _within(2, 1_000, 20)  #: windows that a decline may have begun back


@dataclass(frozen=True, slots=True, kw_only=True)
class Regret:
    """How often a challenger of the same training size is tried, and when its lead counts."""

    every: float = _within(0, 100, 1 / 6)  #: share of the reference between challenges; 0: never
    alpha: float = _within(1e-6, 0.5, 0.2)  #: shared by all challengers; of the rounds that are looked at together
    least_gain: float = _within(0, 1, 0.01)  #: relative fall of the loss below which a lead does not count
    memory: int = _within(1, 100, 4)  #: challenges that are looked at together


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What data after an alarm must show, in either direction."""

    alpha: float = _within(1e-6, 0.5, 1 / 3)
    most_windows: int = _within(1, 1_000, 6)  #: without proof of decline by then it was a blip


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """When features count as drifted; see `monitoring.drift`."""

    false_alarm_windows: float = _within(10, 1e9, 10_000.0)
    tolerance: float = _within(0, 1, 0.02)
    confirm: float = _within(1, 1e9, 100.0)
    clear: float = _within(1, 1e9, 20.0)
    persistence: int = _within(1, 100, 3)
    of: int = _within(1, 100, 5)
    fdr: float = _within(1e-6, 0.5, 0.05)
    alarms: str = _one_of("without_labels", "always", "never")  #: when drift alone raises suspicion


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """When data count as broken; see `monitoring.quality`."""

    false_alarm_windows: float = _within(10, 1e9, 10_000.0)
    extra_share: float = _within(0, 1, 0.05)
    extra_ratio: float = _within(1, 1_000, 2.0)
    clear_windows: int = _within(1, 1_000, 3)  #: windows without a fault that clear or repair
    accept_windows: int = _within(1, 10_000, 10)  #: windows after which a fault that lasts is the world as it is
    alarms: str = _one_of("always", "never")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """When a cause is named; see `diagnosis.judge`."""

    least_labels: int = _within(1, 1_000_000, 30)
    errors: float = _within(0, 100, 2.5)
    least_share: float = _within(0, 1, 0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """When a plain metric series raises suspicion, is confirmed, or cleared; see `monitoring.series`."""

    baseline_points: int = _within(2, 10_000, 8)
    alarm: float = _within(1, 1e9, 20.0)
    confirm: float = _within(1, 1e9, 30.0)
    clear: float = _within(1, 1e9, 15.0)
    persistence: int = _within(1, 100, 3)
    of: int = _within(1, 100, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bakeoff:
    """How candidates are compared before any traffic."""

    holdout: float = _within(0.01, 1, 1 / 6)  #: share of the reference that no entrant trains on
    least_lead: float = _within(0, 10, 1.0)  #: standard errors by which the winner must lead doing nothing
    least_gain: float = _within(0, 1, 0.01)
    most_entrants: int = _within(1, 20, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """What a candidate must pass before it may score in shadow."""

    mandatory: tuple[str, ...] = _some_of(GATES, default=GATES[:4])
    calibration: float = _within(0, 1, 0.1)  #: rise of the calibration error that is accepted
    churn: float = _within(0, 1, 1.0)  #: share of changed answers that is accepted
    least_sample: int = _within(2, 1_000_000, 10)  #: labelled rows in the holdout


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """How a candidate earns traffic."""

    rungs_bp: tuple[int, ...] = (100, 500, 2_500, 5_000)
    alpha: float = _within(1e-6, 0.5, 0.2)  #: of the two-sided confidence sequence
    margin: float = _within(0, 1, 0.2)  #: relative excess loss that counts as not worse
    exposed_harm: float = _within(0, 1, 0.1)  #: exposure times worst credible relative excess, to climb
    most_windows: int = _within(1, 1_000, 16)  #: without proof by then the candidate is turned back
    confirm_windows: int = _within(1, 1_000, 4)  #: of the watch after promotion
    route_ttl_seconds: int = _within(5, 86_400, 900)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """Whether a healthy model is retrained because more data make a better one."""

    on_improvement: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much the service may do by itself."""

    remediations: int = _within(1, 1_000, 3)
    window_days: float = _within(0.01, 3_650, 30.0)
    attempts: int = _within(1, 20, 3)
    cooldown_seconds: float | None = _within(0, 1e8, None)  #: None: as long as a sixth of the reference took
    doublings: int = _within(0, 10, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """Whether a person must agree before training."""

    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers:
    """When something happens by itself in each place, in seconds."""

    silence_seconds: float | None = _within(1, 1e9, None)  #: None: derived from the pace of the reference
    suspect_seconds: float = _within(1, 1e9, 86_400.0)
    degraded_seconds: float = _within(1, 1e9, 86_400.0)
    scoping_seconds: float = _within(1, 1e9, 3_600.0)
    approval_seconds: float = _within(1, 1e9, 259_200.0)
    queued_seconds: float = _within(1, 1e9, 86_400.0)
    leased_seconds: float = _within(1, 1e9, 86_400.0)
    validating_seconds: float = _within(1, 1e9, 3_600.0)
    shadow_seconds: float = _within(1, 1e9, 604_800.0)
    rung_seconds: float = _within(1, 1e9, 604_800.0)
    promoting_seconds: float = _within(1, 1e9, 604_800.0)
    rolled_back_seconds: float = _within(1, 1e9, 600.0)
    notify_again_seconds: float = _within(1, 1e9, 86_400.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All of it. Sections that are not given keep their defaults."""

    tier: int = _within(1, 3, 1)  #: 1: a doubt that stays is a decline; 2 and 3: a person decides
    fallback: str = _one_of("none", "previous_version")
    escalation_levels: int = _within(1, 10, 3)
    windows: Windows = field(default_factory=Windows)
    loss: LossAlarm = field(default_factory=LossAlarm)
    regret: Regret = field(default_factory=Regret)
    confirmation: Confirmation = field(default_factory=Confirmation)
    drift: Drift = field(default_factory=Drift)
    quality: Quality = field(default_factory=Quality)
    diagnosis: Diagnosis = field(default_factory=Diagnosis)
    metrics: Metrics = field(default_factory=Metrics)
    bakeoff: Bakeoff = field(default_factory=Bakeoff)
    gates: Gates = field(default_factory=Gates)
    canary: Canary = field(default_factory=Canary)
    refresh: Refresh = field(default_factory=Refresh)
    budget: Budget = field(default_factory=Budget)
    approvals: Approvals = field(default_factory=Approvals)
    timers: Timers = field(default_factory=Timers)

    def to_json(self) -> dict[str, Any]:
        """Give the whole policy, defaults included."""
        made = _to_json(self)
        assert isinstance(made, dict)  # noqa: S101 - a dataclass becomes an object
        return made

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Policy:
        """Read a policy; what is absent keeps its default.

        Raises:
            PolicyInvalid: A key is unknown, or a value has the wrong type or lies out of bounds.
        """
        made = _from_json(cls, data, "")
        assert isinstance(made, cls)  # noqa: S101 - `_from_json` gives what it is asked for
        return made


def _to_json(value: Any) -> Any:  # noqa: ANN401 - any part of a policy
    if is_dataclass(value):
        return {f.name: _to_json(getattr(value, f.name)) for f in fields(value)}
    return list(value) if isinstance(value, tuple) else value


def _from_json(cls: type[Any], data: Any, where: str) -> Any:  # noqa: ANN401 - any part of a policy
    if not isinstance(data, dict):
        raise PolicyInvalid(where.rstrip(".") or "policy", f"{data!r} is not accepted; an object is")
    known = {f.name: f for f in fields(cls)}
    hints = get_type_hints(cls)
    for name in data:
        if name not in known:
            raise PolicyInvalid(f"{where}{name}", f"is unknown; accepted are {', '.join(known)}")
    return cls(**{name: _value(known[name], hints[name], value, f"{where}{name}") for name, value in data.items()})


def _value(spec: Any, hint: Any, value: Any, where: str) -> Any:  # noqa: ANN401 - any field of a policy
    if is_dataclass(hint):
        return _from_json(hint, value, f"{where}.")  # type: ignore[arg-type]  # a dataclass is a type here
    if hint is bool:
        return _typed(value, bool, "true or false", where)
    if hint is str:
        accepted = spec.metadata["accepted"]
        if value not in accepted:
            raise PolicyInvalid(where, f"{value!r} is not accepted; one of {', '.join(accepted)} is")
        return value
    if hint == tuple[str, ...]:
        return _names(spec.metadata["accepted"], _typed(value, list, "a list of names", where), where)
    if hint == tuple[int, ...]:
        return _rungs(_typed(value, list, "a list of whole numbers", where), where)
    return _number(spec, hint, value, where)


def _number(spec: Any, hint: Any, value: Any, where: str) -> Any:  # noqa: ANN401 - int or float
    whole = hint in (int, int | None)
    if value is None and hint in (int | None, float | None):
        return None
    wanted = "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise PolicyInvalid(where, f"{value!r} is not accepted; {wanted} is")
    low, high = spec.metadata["low"], spec.metadata["high"]
    if not low <= value <= high:
        raise PolicyInvalid(where, f"{value} is not accepted; {wanted} from {low:g} to {high:g} is")
    return value if whole else float(value)


def _names(accepted: tuple[str, ...], values: list[Any], where: str) -> tuple[str, ...]:
    for i, value in enumerate(values):
        if value not in accepted:
            raise PolicyInvalid(f"{where}[{i}]", f"{value!r} is not accepted; one of {', '.join(accepted)} is")
    return tuple(dict.fromkeys(values))


def _rungs(values: list[Any], where: str) -> tuple[int, ...]:
    whole = all(isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10_000 for value in values)  # noqa: PLR2004 - basis points
    if not values or not whole or sorted(set(values)) != values or values[-1] < 2_500:  # noqa: PLR2004 - see guards
        raise PolicyInvalid(
            where, f"{values!r} is not accepted; rising basis points below 10000, the last at least 2500, are"
        )
    return tuple(values)


def _typed(value: Any, kind: type[Any], wanted: str, where: str) -> Any:  # noqa: ANN401 - any field of a policy
    if not isinstance(value, kind):
        raise PolicyInvalid(where, f"{value!r} is not accepted; {wanted} is")
    return value
