"""What each reason means, and what to do about it, in the words that people read everywhere."""

from __future__ import annotations

from dataclasses import dataclass

from statemachine.words import Reason, Signal


@dataclass(frozen=True, slots=True)
class Told:
    """A reason in words."""

    meaning: str
    to_do: str


TOLD: dict[Reason, Told] = {
    Reason.REGISTERED: Told(
        "the model is under watch, and nothing has happened yet",
        "send rows and labels",
    ),
    Reason.ALARM: Told(
        "something speaks against the champion: the alarm names it",
        "wait: rows after the alarm confirm or clear it",
    ),
    Reason.NO_DATA: Told(
        "rows stopped",
        "look at the senders; it clears by itself when rows come",
    ),
    Reason.SIGNAL_SILENT: Told(
        "a declared signal has no points; the state stays as it is",
        "look at its provider; it ends by itself when points come",
    ),
    Reason.LABELS_STALE: Told(
        "labels stopped",
        "look at where truths come from; it clears by itself when they come",
    ),
    Reason.ACCEPTED: Told(
        "the loss rose, and a condition of the policy accepts that; the note names it",
        "nothing",
    ),
    Reason.BLIP: Told(
        "what came after the alarm speaks against it",
        "nothing",
    ),
    Reason.CONFIRMED: Told(
        "what came after the alarm confirms a decline",
        "read the diagnosis; a remedy is sought",
    ),
    Reason.UNRESOLVED: Told(
        "a doubt stayed until its time was up, or the ladder of escalation has ended",
        "decide: a held model needs `Release`; one that is `suspect` is looked at anew then, and one that is "
        "`degraded` takes `StartRetraining`",
    ),
    Reason.RECOVERED: Told(
        "the decline ended without a remedy",
        "nothing",
    ),
    Reason.REMEDY: Told(
        "the service began a remedy for a decline",
        "nothing; see that a worker runs",
    ),
    Reason.IMPROVEMENT: Told(
        "the service began to retrain a healthy model, since more data make a better one",
        "nothing",
    ),
    Reason.REQUESTED: Told(
        "a person began a remedy",
        "nothing",
    ),
    Reason.APPROVAL_NEEDED: Told(
        "the policy wants a person to agree before training",
        "`Approve` or `Reject`, somebody else than who asked",
    ),
    Reason.SCOPED: Told(
        "the bake-off is chosen, and its job waits for a worker",
        "see that a worker runs",
    ),
    Reason.APPROVED: Told(
        "a person agreed",
        "nothing",
    ),
    Reason.REJECTED: Told(
        "a person refused the remedy",
        "nothing; the service tries again after its pause",
    ),
    Reason.NOBODY_ANSWERED: Told(
        "nobody approved in time, which is a refusal",
        "say who is on call, or let the policy ask no more",
    ),
    Reason.LEASED: Told(
        "a worker has the job",
        "nothing",
    ),
    Reason.LEASE_LOST: Told(
        "the worker fell silent; the job waits again",
        "look at the worker's log",
    ),
    Reason.TRAINED: Told(
        "the bake-off is over; its winner stands before the gates",
        "nothing",
    ),
    Reason.NOTHING_TO_TRAIN: Told(
        "an archived version is restored, or the remedy asked for cannot be tried now",
        "ask for another remedy in the second case",
    ),
    Reason.NO_WORKER: Told(
        "no worker took the job in time",
        "start a worker",
    ),
    Reason.TRAIN_FAILED: Told(
        "an attempt failed; the note says how, and it is tried again as often as the policy allows",
        "read the note: memory, time, isolation, or a crash",
    ),
    Reason.OVERDUE: Told(
        "a step of the remedy took longer than the policy allows",
        "look at the worker, or raise the deadline",
    ),
    Reason.GATES_PASSED: Told(
        "the winner passed every mandatory gate and scores in shadow",
        "nothing",
    ),
    Reason.GATES_FAILED: Told(
        "no candidate was good enough, or doing nothing won",
        "read `gates_judged`; the service tries again after its pause",
    ),
    Reason.SHADOW_CLEAR: Told(
        "the shadow gave no reason against a first rung",
        "nothing",
    ),
    Reason.HARM_BOUNDED: Told(
        "the harm that is still credible allows a higher rung",
        "nothing",
    ),
    Reason.NON_INFERIOR: Told(
        "the candidate serves everyone, and is watched",
        "nothing",
    ),
    Reason.PROMOTION_HELD: Told(
        "the promotion saved loss; the candidate is champion",
        "nothing",
    ),
    Reason.HARM: Told(
        "the candidate is worse, or worse in the segment that the note names; its traffic is taken away",
        "read `canary_judged`",
    ),
    Reason.NO_TRAFFIC: Told(
        "no labelled rows came on this rung in time",
        "look at routers and labels",
    ),
    Reason.ROUTER_SILENT: Told(
        "no router acknowledged the route in time",
        "look at the serving processes and `MonitoredModel.route_error`",
    ),
    Reason.INCONCLUSIVE: Told(
        "rows came, but no proof in time",
        "more traffic, or a policy with more patience",
    ),
    Reason.OVERTAKEN: Told(
        "the world moved while a refresh was tried: the candidate's loss rose with the champion's",
        "nothing; the rise raises an alarm of its own, with no pause before a remedy",
    ),
    Reason.NOT_BETTER: Told(
        "the watch after the promotion ended without loss saved",
        "nothing; the version before serves again",
    ),
    Reason.OPERATOR: Told(
        "a person stopped it; or a router could not load the candidate, and the note names the router",
        "read the note, where there is one",
    ),
    Reason.ROUTE_BACK: Told(
        "a router said that the champion serves alone again",
        "nothing",
    ),
    Reason.ROUTE_EXPIRED: Told(
        "no router said so, and the route has run out: none may serve the candidate any more",
        "look at the routers",
    ),
    Reason.STILL_ILL: Told(
        "after a rollback the decline is still open",
        "nothing; a remedy is sought after the pause",
    ),
    Reason.WELL_AGAIN: Told(
        "after a rollback nothing speaks against what serves",
        "nothing",
    ),
    Reason.FALLBACK: Told(
        "the ladder has ended, and the version before serves, as the policy declares",
        "find out why no remedy helped",
    ),
    Reason.RETIRED: Told(
        "the watch has ended",
        "nothing",
    ),
    Reason.ROWS_ERASED: Told(
        "rows were erased on which a version was trained, or with which work was under way",
        "decide whether those versions may go on serving",
    ),
}

#: What spoke against a champion, by signal.
SIGNALS: dict[Signal, str] = {
    Signal.LOSS: "its rows cost more than is normal for it",
    Signal.SEGMENT: "the rows of a segment that the policy declares cost more than is normal for them",
    Signal.REGRET: "a challenger, newly trained on as many rows, does better on rows that neither has seen",
    Signal.PINNED: "the version before it does better on the same rows",
    Signal.QUALITY: "the data are broken",
    Signal.DRIFT: "features are not as in the reference, and no label tells what that costs",
    Signal.SHAPE: "a feature is spread otherwise, in a way that has no name",
    Signal.SEGMENT_DRIFT: "features of a segment that the policy declares are not as in the reference",
    Signal.METRIC: "a series that others measure has left its tolerance",
    Signal.SILENCE: "rows or labels stay away",
    Signal.CONDITION: "a condition of the policy holds",
}
