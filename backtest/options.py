"""What can be asked of a backtest, checked against the stream before anything begins."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from remission.certificates import Tls

from backtest.backend import Setup
from backtest.stream import Stream, StreamInvalid
from retraining.template import TEMPLATES
from server.intake.schema import METRICS, OUTCOMES
from statemachine.policies.policy import Policy, PolicyInvalid

DEFAULT_TEMPLATE = "hgb-60"
LABEL_DELAY_SHARE = 0.01
LEAST_WINDOW = 5  #: rows, as the policy has it
MOST_SEED = 2**32 - 1  #: what generators of random numbers take, and the contract
MOST_NAME = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What can be asked of a backtest."""

    metric: str = ""
    template: str = DEFAULT_TEMPLATE
    outcomes: str = "exogenous"
    label_delay: int | None = None
    window: int | None = None  #: rows; None: as the policy has it
    policy: dict[str, Any] = field(default_factory=dict)
    database: str = ""
    server: str = ""
    tls: Tls | None = None  #: of the way to that server; plain text without them
    external_worker: bool = False
    baselines: bool = False
    seed: int = 0  #: of what chance decides: samples and estimators, and who is served by a candidate
    model: str = ""


def setup_of(stream: Stream, options: Options) -> Setup:
    """Give what the model is registered with.

    Raises:
        StreamInvalid: An option does not fit the stream, or another option.
    """
    _check_places(options)
    if not 0 <= options.seed <= MOST_SEED:
        raise StreamInvalid(f"--seed: {options.seed} is not accepted; 0 to {MOST_SEED} is")
    return Setup(
        name=model_name(options.model or stream.name), metric=_metric(stream, options.metric),
        outcomes=_one_of("--outcomes", options.outcomes, OUTCOMES),
        template=_one_of("--template", options.template, sorted(TEMPLATES)),
        label_delay_rows=_label_delay(stream, options.label_delay), policy=_policy(stream, options),
        seed=options.seed,
    )  # fmt: skip


def model_name(text: str) -> str:
    """Give a name that the service takes: lower case, with a dash for whatever a model's name cannot hold.

    >>> model_name("My rides (2016)")
    'my-rides-2016'
    """
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).lstrip("-_").rstrip("-")[:MOST_NAME] or "stream"


def _check_places(options: Options) -> None:
    if options.server and options.database:
        raise StreamInvalid("--db: is not accepted with --server, whose own database keeps the log")
    if options.external_worker and not options.server:
        raise StreamInvalid("--external-worker: is accepted with --server only, where a worker can find the jobs")


def _one_of(option: str, value: str, accepted: tuple[str, ...] | list[str]) -> str:
    if value not in accepted:
        raise StreamInvalid(f"{option}: {value!r} is not accepted; one of {', '.join(accepted)} is")
    return value


def _metric(stream: Stream, metric: str) -> str:
    accepted = METRICS[stream.task]
    if metric and metric not in accepted:
        raise StreamInvalid(f"--metric: {metric!r} is not accepted for {stream.task}; one of {', '.join(accepted)} is")
    return metric or accepted[0]


def _label_delay(stream: Stream, delay: int | None) -> int:
    most = stream.rows - stream.reference_rows - 1
    if delay is not None and not 0 <= delay <= most:
        raise StreamInvalid(f"--label-delay: {delay} is not accepted; 0 to {most} rows are")
    return max(1, round(stream.rows * LABEL_DELAY_SHARE)) if delay is None else delay


def _policy(stream: Stream, options: Options) -> dict[str, Any]:
    try:
        Policy.from_json(options.policy)
    except PolicyInvalid as error:
        raise StreamInvalid(f"--policy: {error}") from error
    if options.window is None:
        return options.policy
    most = stream.rows - stream.reference_rows
    if not LEAST_WINDOW <= options.window <= most:
        raise StreamInvalid(f"--window: {options.window} is not accepted; {LEAST_WINDOW} to {most} rows are")
    return {**options.policy, "windows": {**options.policy.get("windows", {}), "rows": options.window}}
