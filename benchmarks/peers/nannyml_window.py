"""Run by the environment of NannyML: the CPU seconds of one chunk after the fits, for each round.

What it has for what our window looks at: drift of each column (Jensen-Shannon), missing and unseen values, and ranges.

python nannyml_window.py FOLDER ROUNDS
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import nannyml
import numpy as np
import pandas as pd


def main(folder: Path, rounds: int) -> None:
    """Print a list of seconds."""
    past, now = (pd.DataFrame(np.load(folder / f"{name}.npy")) for name in ("past", "now"))
    names = [f"x{at}" for at in range(past.shape[1])]
    past.columns, now.columns = pd.Index(names), pd.Index(names)
    codes, size = names[20:-1], len(now)
    past[codes], now[codes] = past[codes].astype(int).astype(str), now[codes].astype(int).astype(str)
    drift = nannyml.UnivariateDriftCalculator(
        column_names=names,
        chunk_size=size,
        continuous_methods=["jensen_shannon"],
        categorical_methods=["jensen_shannon"],
    )
    missing = nannyml.MissingValuesCalculator(column_names=names, chunk_size=size)
    unseen = nannyml.UnseenValuesCalculator(column_names=codes, chunk_size=size)
    numeric = [name for name in names if name not in codes]
    ranges = nannyml.NumericalRangeCalculator(column_names=numeric, chunk_size=size)
    fitted = [one.fit(past) for one in (drift, missing, unseen, ranges)]
    seconds = []
    for _ in range(rounds + 1):
        begun = time.process_time()
        for one in fitted:
            one.calculate(now)
        seconds.append(time.process_time() - begun)
    print(json.dumps(seconds[1:]))


main(Path(sys.argv[1]), int(sys.argv[2]))
