"""How much is drawn, and from which seeds: the same for all parts of the evaluation."""

from __future__ import annotations

from dataclasses import dataclass

SEED = 20261125
PAST = 20_000  #: rows of a reference
ROWS = 1_000  #: of a window
SHORT = 25  #: rows of a window for a detector that adds up what windows say; ADWIN looks every 32
RUN_LENGTH = 1_000  #: windows of `ROWS` rows that pass on average before a false alarm
CONFIDENCE = 0.95
#: In total variation: none, as peers have none; of the thresholds by themselves; of a policy that leaves them out.
TOLERANCES = (0.0, 0.005, 0.02)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is drawn."""

    references: int
    windows: int  #: of each reference, where counts can be drawn
    drawn: int  #: of each reference, where rows must be
    streams: int  #: null streams of `calm` windows, for the thresholds of charts
    calm: int
    repeats: int  #: of each change
    shifts: int  #: repeats of each shift of a mean, for those that are compared closely
    singles: int  #: null streams of `calm` windows for detectors of single values


FULL = Size(references=200, windows=2_500, drawn=500, streams=120, calm=500, repeats=120, shifts=600, singles=800)
QUICK = Size(references=8, windows=60, drawn=15, streams=8, calm=120, repeats=6, shifts=8, singles=8)
SIZES = {"full": FULL, "quick": QUICK}
