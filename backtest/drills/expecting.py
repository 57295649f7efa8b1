"""What a policy lets one expect of a drill: derived from the policy, and from what the change was measured to cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backtest.drills.account import Account
from backtest.drills.scenario import Kind, Scenario
from backtest.drills.scenarios import FAULT
from backtest.drills.wire import SERIES
from statemachine.policies.policy import Policy
from statemachine.unexplained import UNKNOWN

WORSE = 1.1  #: times the loss of the model left alone that what is served in the end may cost
CHANCE = 2.0  #: standard errors that chance may add to it
LOUD = 8.0  #: standard errors by which a blip of two windows must cost more than is tolerated, that it must be met
MOST_STEP = 0.5  #: of a reference between challenges, so that some fall into the windows of a drill


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement about what happened; `text` is what must be true."""

    text: str
    holds: Callable[[Account], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The road that is expected, and what must be true of the one that was taken."""

    road: str
    claims: tuple[Claim, ...]

    def broken(self, found: Account) -> list[str]:
        """Name the claims that do not hold."""
        return [claim.text for claim in self.claims if not claim.holds(found)]


UNCLEAR = "either way: what it costs is too near to what is tolerated"
NO_DECLINE = Claim("no decline is confirmed", lambda found: "degraded" not in found.road)
NO_LOSS = Claim("no rise of the loss is confirmed", lambda found: "loss" not in found.proved)
DECLINE = Claim("a decline is confirmed", lambda found: found.confirmed is not None)
UNTRAINED = Claim(
    "nothing is retrained where no cause is found", lambda found: found.cause != UNKNOWN or not found.remedied
)
NO_REMEDY = Claim("nothing is retrained for it", lambda found: not found.remedied)
MET = Claim(
    "a decline is confirmed, or a refresh forestalls it",
    lambda found: found.confirmed is not None or found.forestalled,
)
PROMOTED = Claim("a candidate is promoted", lambda found: found.promoted > 0)
ASKED = Claim("a person is asked", lambda found: "retraining.awaiting_approval" in found.places)
UNSERVED = Claim("no candidate serves", lambda found: "canary" not in found.road)
SERVED = Claim("a candidate begins to serve", lambda found: "canary.rung" in found.places)
NOT_WORSE = Claim(
    "what is served in the end costs no more than the model left alone",
    lambda found: found.last[0] - WORSE * found.last[1] <= CHANCE * found.last_error,
)
BETTER = Claim(
    "what is served in the end costs less than the model left alone", lambda found: found.last[0] < found.last[1]
)
WATCHED = Claim("the service looks on: challengers meet the champion", lambda found: found.challenged > 0)
MET_BLIP = Claim(
    "a suspicion is raised where the blip costs much",
    lambda found: found.suspected is not None or found.harm.excess < LOUD * found.harm.error,
)
HEALTHY = Claim("the model is healthy in the end", lambda found: found.stands == "healthy")
WHOLE = Claim(
    "nothing is retrained while the data are broken", lambda found: not any(when < FAULT[1] for when in found.remedied)
)


def expect(scenario: Scenario, policy: Policy, harm: str, feature: str) -> Expected:
    """Say what is to be expected: *harm* says whether the loss rises, stays, or is unclear; *feature* broke."""
    match scenario.kind:
        case Kind.NOTHING | Kind.CHANGE:
            return _of_change(scenario, policy, harm)
        case Kind.BLIP:
            return _of_blip(scenario, policy)
        case Kind.FAULT | Kind.LOCAL:
            local = scenario.kind == Kind.LOCAL
            return _of_segment(policy, feature) if local else _of_fault(scenario, policy, harm, feature)
        case Kind.SILENCE:
            return _of_silence(scenario.stops)
        case Kind.METRIC:
            seen = Claim(f"{SERIES} is named", lambda found: (found.signal, found.subject) == ("metric", SERIES))
            return _of_series(policy, seen)
        case Kind.RELAPSE:
            return _of_relapse(policy)


def _of_series(policy: Policy, seen: Claim) -> Expected:
    untrained = (UNTRAINED,) if policy.budget.unexplained == "people" else ()
    back = () if policy.approvals.required else (HEALTHY,)  # else a remedy may wait for a person to the end
    claims = (seen, *untrained, _none_worse(policy.canary.margin), NOT_WORSE, *back)
    return Expected(road=f"suspect, by {SERIES}; nothing worse, and healthy when it is back", claims=claims)


def _of_blip(scenario: Scenario, policy: Policy) -> Expected:
    met, road = ((MET_BLIP,), "suspect → healthy") if scenario.loud else ((), "stays healthy, or suspect → healthy")
    return Expected(road=road, claims=(*met, NO_DECLINE, NOT_WORSE, HEALTHY, *_watched(policy)))


def _watched(policy: Policy) -> tuple[Claim, ...]:
    """Ask for a sign of life where no other can be asked for: a service that does nothing raises no alarm either."""
    often = 0 < policy.regret.every <= MOST_STEP and policy.windows.rows is None
    return (WATCHED,) if often else ()


def _of_change(scenario: Scenario, policy: Policy, harm: str) -> Expected:
    if harm == "rises":
        return _of_harm(scenario, policy)
    if harm == "unclear":
        return Expected(road=UNCLEAR, claims=(NOT_WORSE,))
    if scenario.causes == ("covariate_drift",) and policy.drift.alarms == "always":
        seen = Claim("drift raises suspicion", lambda found: found.signal == "drift")
        return Expected(road="suspect, by drift alone, as this policy wants it", claims=(seen, NOT_WORSE))
    if scenario.kind == Kind.CHANGE:  # a model of the changed world may still do better, and regret says so
        return Expected(road="stays in service, or a better model is proved", claims=(NO_LOSS, NOT_WORSE))
    claims = (NO_DECLINE, NOT_WORSE, *_watched(policy))
    return Expected(road="stays in service: the loss does not rise", claims=claims)


def _of_harm(scenario: Scenario, policy: Policy) -> Expected:
    named = " or ".join(scenario.causes) or "unknown"
    cause = Claim(
        f"the cause is named as {named}",
        lambda found: found.cause in (scenario.causes or ("unknown",)) or found.forestalled,
    )
    if policy.approvals.required:
        return Expected(
            road=f"suspect → degraded ({named}) → a person is asked", claims=(DECLINE, cause, ASKED, UNSERVED)
        )
    if not scenario.lasts:
        return Expected(road=f"suspect → degraded ({named})", claims=(MET, cause, NOT_WORSE))
    road = f"suspect → degraded ({named}) → retraining → canary → healthy"
    return Expected(road=road, claims=(MET, cause, PROMOTED, BETTER))


def _of_fault(scenario: Scenario, policy: Policy, harm: str, feature: str) -> Expected:
    if scenario.looked_for and scenario.looked_for not in policy.quality.looks_for:
        road = f"stays in service: this policy does not look for {scenario.looked_for}"
        return Expected(road=road, claims=(NO_DECLINE, NOT_WORSE, *_watched(policy)))
    named = Claim(
        f"the fault of {feature} is named",
        lambda found: (
            (found.signal, found.subject) == ("quality", feature)
            or (found.cause == "data_quality" and feature in found.blamed)
        ),
    )
    kinds = scenario.faults if policy.quality.entity else (*scenario.faults, *scenario.alike)
    kind = Claim(f"its kind is named as {' or '.join(kinds)}", lambda found: bool({*found.faults} & {*kinds}))
    if policy.quality.alarms == "always":
        return Expected(road="quality fault named, no retraining, healthy", claims=(named, kind, WHOLE, HEALTHY))
    if harm == "rises":
        return Expected(road="a decline is blamed on the data, no retraining", claims=(named, kind, WHOLE))
    if harm == "unclear":
        return Expected(road=UNCLEAR, claims=(WHOLE, NOT_WORSE))
    return Expected(road="stays in service: this policy does not watch quality", claims=(NO_DECLINE,))


def _of_segment(policy: Policy, segment: str) -> Expected:
    """Expect the segment to be named: by its alarm, or by the diagnosis of a decline of the whole."""
    if policy.segments.alarms == "never":
        return Expected(road="either way: this policy does not watch segments", claims=(NOT_WORSE,))
    named = Claim(f"the segment {segment} is named", lambda found: segment in (found.subject, *found.local))
    return Expected(road=f"suspect, by the segment {segment}", claims=(named, NOT_WORSE))


def _of_silence(stops: str) -> Expected:
    reason = {"rows": "NO_DATA", "labels": "LABELS_STALE"}[stops]
    seen = Claim(f"the silence of {stops} is told", lambda found: reason in found.reasons)
    return Expected(road=f"suspect ({reason}) → healthy, no retraining", claims=(seen, NO_REMEDY, HEALTHY))


def _of_relapse(policy: Policy) -> Expected:
    if policy.approvals.required:
        return Expected(road="suspect → degraded → a person is asked", claims=(DECLINE, ASKED, UNSERVED))
    return Expected(
        road="degraded → retraining → canary → rolled_back, unless the candidate is as good",
        claims=(DECLINE, SERVED, _none_worse(policy.canary.margin), NOT_WORSE),
    )


def _none_worse(margin: float) -> Claim:
    """Say that what was promoted was within the policy's margin of what it replaced, on the rows of its own reign."""
    text = f"no candidate is promoted that costs {margin:.0%} more than the version it replaces"
    return Claim(text, lambda found: all(gain >= -margin for gain in found.gains))
