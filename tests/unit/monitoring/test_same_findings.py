"""The bits of findings: what each rule has said it says for ever, however evidence is multiplied and added up."""

import hashlib
from collections import Counter
from dataclasses import replace

import numpy as np
import orjson
import pytest

from monitoring.drift.learned import LearnedWatch
from monitoring.drift.promises import DriftThresholds
from monitoring.drift.watches import DriftFinding, DriftWatch
from monitoring.profiles.alternatives import ladder
from monitoring.profiles.profile import Profile
from monitoring.profiles.reference import Feature, Kind, Reference

#: By rule, of states and findings whose evidence was multiplied in whole numbers, one window at a time.
DIGESTS = {
    1: "1cbef54cd032c5279b90600a177537cb77f73bfe79029370fc41bd89e79f6b21",
    2: "13eb9aa6b8c6f3a2534b1043a0d5dea1ad5cc1fd2c2131cf69fd28415e4c63aa",
    3: "79d9451d4a37517b12b593194f4dc12c4fd5490b51908e3efc473b4796409e9e",
}
FIRST = {"none": 646, "alarm": 33, "confirmed": 14, "cleared": 27}
LATER = {"none": 629, "alarm": 39, "confirmed": 21, "cleared": 31}
#: And of those of a watch that learns.
LEARNED = "fcafcab07de8b4763dd06a0e6dc0451f18dc0bfe6876ff04c01a32a78ec965b4"
POLICIES = [
    DriftThresholds(false_alarm_windows=often, confirm=confirm, clear=clear)
    for often, confirm, clear in ((1_000.0, 100.0, 20.0), (20.0, 10.0, 3.0), (5.0, 10.0, 40.0))
]
WINDOWS, ROWS = 60, 200


def feature(name: str, kind: Kind, bins: int) -> Feature:
    numeric = kind == "numeric"
    blank = Feature(
        name=name, kind=kind, edges=tuple(map(float, range(1, bins))) if numeric else (), low=0.0, high=float(bins),
        codes=() if numeric else tuple(range(bins)), peaks=(0.1,) * 5,
        counts=(20, 0, 0, 0, 3, 3, 0, *(90 + 7 * at for at in range(bins))),
    )  # fmt: skip
    return replace(blank, dispersion=(1.0,) * len(ladder(blank)))


def reference() -> Reference:
    """Make one by hand, so that it does not depend on how references are learned."""
    features = (feature("a", "numeric", 64), feature("b", "categorical", 6), feature("@output", "numeric", 20))
    return Reference(rows=2_000, features=features, label_edges=(), repeats=0)


def windows(known: Reference, chance: np.random.Generator) -> list[Profile]:
    """Draw windows: some behind each other lean to higher bins, by more or less."""
    lean = np.repeat(chance.choice([0.0, 0.0, 0.3, 1.0, 2.5], WINDOWS // 4), 4)
    counts = []
    for each in known.features:
        law = np.array(each.counts) * (1 + lean[:, None] * np.arange(each.slots) / each.slots)
        counts.append(chance.multinomial(ROWS, law / law.sum(axis=1, keepdims=True)))
    return [Profile(ROWS, one) for one in np.concatenate(counts, axis=1)]


def plain(watch: DriftWatch | LearnedWatch, found: DriftFinding) -> bytes:
    named = [[one["name"], one["change"], one["log_evidence"]] for one in found.features]
    said = [found.verdict, found.log_evidence, found.onset_row, found.row, named]
    return orjson.dumps([watch.to_json(), said])


@pytest.mark.parametrize(("rule", "said"), [(1, FIRST), (2, LATER), (3, LATER)])
def test_each_rule_says_what_it_said_to_the_bit(rule: int, said: dict[str, int]) -> None:
    known, chance, digest, verdicts = reference(), np.random.default_rng(7), hashlib.sha256(), Counter[str]()
    for policy in POLICIES * 4:
        watch = DriftWatch.start(known, policy, rule)
        for number, window in enumerate(windows(known, chance)):
            watch, found = watch.observe(number * ROWS, window, policy)
            digest.update(plain(watch, found))
            verdicts[found.verdict] += 1

    assert digest.hexdigest() == DIGESTS[rule]
    assert verdicts == said


def test_what_is_learned_says_what_it_said_to_the_bit() -> None:
    known, chance, digest, verdicts = reference(), np.random.default_rng(7), hashlib.sha256(), Counter[str]()
    for policy in POLICIES * 4:
        watch = LearnedWatch.start(known)
        for number, window in enumerate(windows(known, chance)):
            watch, found = watch.observe(number * ROWS, window, policy)
            digest.update(plain(watch, found))
            verdicts[found.verdict] += 1

    assert digest.hexdigest() == LEARNED
    assert verdicts == {"none": 710, "alarm": 5, "confirmed": 1, "cleared": 4}


def test_windows_that_are_no_profile_of_the_reference_are_refused() -> None:
    known = reference()

    with pytest.raises(ValueError, match=r"counts of shape \(3,\) are not those of a window, \(111,\)"):
        DriftWatch.start(known, POLICIES[0]).observe(0, Profile(1, np.zeros(3, np.int64)), POLICIES[0])
