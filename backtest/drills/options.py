"""What can be asked of drills, checked before anything begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from backtest.drills.ground import known, plan
from backtest.drills.scenarios import SCENARIOS
from backtest.options import DEFAULT_TEMPLATE, MOST_SEED
from backtest.stream import Stream, StreamInvalid
from backtest.truth import TASKS
from retraining.template import TEMPLATES
from server.intake.schema import METRICS
from statemachine.policies.policy import Policy, PolicyInvalid

MOST_RUNS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What can be asked of drills."""

    scenarios: tuple[str, ...] = ()  #: names; none are all
    stream: Stream | None = None  #: a recorded one to plant in; None: a small world
    task: str = "binary"  #: of that world
    policy: dict[str, Any] = field(default_factory=dict)
    template: str = DEFAULT_TEMPLATE
    metric: str = ""
    seed: int = 0
    runs: int = 1


def check(options: Options) -> None:
    """Refuse what cannot be drilled, before anything heavy begins.

    Raises:
        StreamInvalid: An option is not accepted.
    """
    for name in options.scenarios:
        _one_of("--scenario", name, [one.name for one in SCENARIOS])
    _one_of("--template", options.template, sorted(TEMPLATES))
    _one_of("--task", options.task, TASKS)
    if options.metric:
        _one_of("--metric", options.metric, METRICS[options.stream.task if options.stream else options.task])
    if not 1 <= options.runs <= MOST_RUNS:
        raise StreamInvalid(f"--runs: {options.runs} is not accepted; 1 to {MOST_RUNS} is")
    if not 0 <= options.seed <= MOST_SEED - MOST_RUNS:
        raise StreamInvalid(f"--seed: {options.seed} is not accepted; 0 to {MOST_SEED - MOST_RUNS} is")
    try:
        policy = Policy.from_json(options.policy)
    except PolicyInvalid as error:
        raise StreamInvalid(f"--policy: {error}") from error
    if options.stream is not None:
        plan(known(options.stream), policy, options.seed)


def _one_of(option: str, value: str, accepted: Sequence[str]) -> None:
    if value not in accepted:
        raise StreamInvalid(f"{option}: {value!r} is not accepted; one of {', '.join(accepted)} is")
