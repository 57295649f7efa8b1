"""Losses of twins: how often a loss that does not move is noted to have moved, were an incident open all the time.

Twins have few incidents, so what a service notes in them says little of the budget. Here the first champion's losses on
each stream are shuffled by row, and the judge of such notes looks at them block by block, as it does within incidents.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from backtest.champion import matrix, refit
from backtest.options import Options, setup_of
from benchmarks.alarms.runs import Entry, Run, stream_in
from benchmarks.detectors.aims import Line
from measures.losses import Ints, fixed, losses, unit_of
from measures.sums import Block, block
from monitoring.performance.shifts import judge
from retraining.template import TEMPLATES
from statemachine.policies.policy import Policy

POLICY = Policy()


def lines(data: Path, entries: Sequence[Entry], seeds: Sequence[int]) -> Iterator[Line]:
    """Hold the notes of all twins to their budget: one in as many blocks as the run length says."""
    notes = blocks = 0
    for entry in entries:
        lost, reference_rows = champion_losses(data, entry)
        for seed in seeds:
            twin = blocks_of(np.random.default_rng(seed).permutation(lost), reference_rows)
            notes, blocks = notes + told(twin, reference_rows), blocks + len(twin)
    most = blocks / POLICY.loss.run_length
    note = f"in {blocks:,} blocks, were incidents always open"
    yield Line(what="losses noted that do not move", reached=notes, at_most=most, note=note)


def champion_losses(data: Path, entry: Entry) -> tuple[Ints, int]:
    """Give what each row behind the reference costs the champion that has learned the reference, and its rows."""
    stream, metric = stream_in(data, Run(entry)), entry["primary_metric"]
    first, setup = stream.reference_rows, setup_of(stream, Options(metric=metric))
    outputs = refit(stream, matrix(stream), TEMPLATES[setup.template], setup.seed, (0, first))
    found = losses(stream.task, metric, outputs[first:], stream.labels[first:])
    known = found[~np.isnan(found)]
    return fixed(known, unit_of(stream.task, metric, known)), first


def blocks_of(lost: Ints, reference_rows: int) -> list[Block]:
    """Add up losses block by block; what fills none is left out."""
    size = POLICY.windows.block_for(reference_rows)
    return [block(lost[at : at + size]) for at in range(0, len(lost) - size + 1, size)]


def told(blocks: Sequence[Block], reference_rows: int) -> int:
    """Count the notes, each on blocks behind the last."""
    window, most = POLICY.windows.rows_for(reference_rows), POLICY.windows.blocks * POLICY.loss.memory
    notes = start = 0
    for end in range(1, len(blocks) + 1):
        seen = blocks[max(start, end - most) : end]
        version = {"name": "v1", "rows": list(range(len(seen))), "blocks": seen}
        found = judge({"window": window, "versions": [version]}, POLICY)
        if found is not None and found.told:
            notes, start = notes + 1, end
    return notes
