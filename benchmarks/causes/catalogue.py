"""The catalogue of causes: each is planted in every stream where it can be, and where the loss rises of it.

`data_quality` and `upstream_change` both name a fault of a column on its way to the model; the first, where its values
show that no rule of the reference allows them. Of values that the reference had as well, nobody can tell more than that
the column has come apart from all else: there both are right. Where some labels are swapped for others nobody can tell
either: a truth that turns round in as many rows, whatever they hold, leaves the same rows, answers and labels, so there
`label_quality` and `concept_change` are right. Labels that have not come yet are a fault of the data, `@label`.

Faults of clocks, of labels that stay away and of one sensor among many are looked for where a policy asks; they are
planted under one that does, and so is a control in which nothing happens.
"""

from __future__ import annotations

from benchmarks.causes import clocks, faults
from benchmarks.causes.clocks import told_by
from benchmarks.causes.columns import any_column, named
from benchmarks.causes.faults import fault, sent_twice
from benchmarks.causes.moves import covariate, covariate_in_segment, covariates, nothing, prior
from benchmarks.causes.planting import Cause
from benchmarks.causes.truths import (
    concept,
    concept_by_feature,
    concept_in_segment,
    delayed_labels,
    late_labels,
    misjoined_labels,
    noisy_labels,
    other_features,
    other_rows,
    swapped_labels,
)

BAD, EITHER, UPSTREAM = ("data_quality",), ("data_quality", "upstream_change"), ("upstream_change",)

CAUSES: dict[str, Cause] = {
    "missing values": Cause(happens="of one column", plant=fault(faults.missing, BAD, any_column)),
    "sentinel, far": Cause(happens="-9999 in one column", plant=fault(faults.far_code, BAD)),
    "sentinel, near": Cause(happens="the least or greatest value as a code", plant=fault(faults.near_code, EITHER)),
    "unit": Cause(happens="a thousand times", plant=fault(faults.unit, BAD)),
    "offset": Cause(happens="within one range", plant=fault(faults.offset, EITHER)),
    "stuck": Cause(happens="at one value", plant=fault(faults.stuck, EITHER)),
    "clipped": Cause(happens="a sensor at its end", plant=fault(faults.clipped, EITHER)),
    "new word": Cause(happens="nobody knows it", plant=fault(faults.new_word, BAD, named)),
    "codes swapped": Cause(happens="words get other codes", plant=fault(faults.swapped, UPSTREAM, named)),
    "sign turned": Cause(happens="an axis the other way round", plant=fault(faults.turned, EITHER)),
    "wrong join": Cause(happens="values of other rows", plant=fault(faults.out_of_order, UPSTREAM, any_column)),
    "blurred": Cause(happens="noise in one column", plant=fault(faults.noisy, UPSTREAM)),
    "covariate": Cause(happens="other rows by one column", plant=covariate),
    "covariates": Cause(happens="other rows by three columns", plant=covariates),
    "covariate, local": Cause(happens="other rows in a segment", plant=covariate_in_segment),
    "prior": Cause(happens="other shares of the truth", plant=prior),
    "concept": Cause(happens="the truth turned round", plant=concept),
    "concept by feature": Cause(happens="one column speaks otherwise", plant=concept_by_feature),
    "concept, local": Cause(happens="turned round in a segment", plant=concept_in_segment),
    "noisy labels": Cause(happens="labels of other rows", plant=noisy_labels),
    "late labels": Cause(happens="of one class", plant=late_labels),
    "serving, features": Cause(happens="another column than reported", plant=other_features),
    "serving, answers": Cause(happens="answers to other rows", plant=other_rows),
    "sent twice": Cause(happens="every row", plant=sent_twice, quiet=True),
    "frozen, one of many": Cause(
        happens="one entity's sensor repeats a value", plant=faults.frozen, quiet=True, warily=True
    ),
    "labels swapped": Cause(happens="of three rows in ten", plant=swapped_labels),
    "labels of others": Cause(happens="each of the row before", plant=misjoined_labels),
    "labels delayed": Cause(happens="of any rows", plant=delayed_labels, quiet=True, warily=True),
    "clock behind": Cause(happens="by an hour", plant=told_by(clocks.hour_behind), quiet=True, warily=True),
    "clock ahead": Cause(happens="by an hour", plant=told_by(clocks.hour_ahead), quiet=True, warily=True),
    "clock backwards": Cause(happens="in each window", plant=told_by(clocks.backwards), quiet=True, warily=True),
    "clock stands": Cause(happens="for good", plant=told_by(clocks.standing), quiet=True, warily=True),
    "period twice": Cause(happens="five windows again", plant=clocks.period_twice, quiet=True, warily=True),
    "nothing, warily": Cause(happens="all is looked at", plant=nothing, quiet=True, control=True, warily=True),
    "nothing": Cause(happens="the rows go on as they were", plant=nothing, quiet=True, control=True),
}
