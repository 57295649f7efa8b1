"""Run by the environment of Evidently: the CPU seconds of one window's drift report with its defaults, for each round.

python evidently_window.py FOLDER ROUNDS
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset


def main(folder: Path, rounds: int) -> None:
    """Print a list of seconds."""
    past, now = (pd.DataFrame(np.load(folder / f"{name}.npy")) for name in ("past", "now"))
    names = [f"x{at}" for at in range(past.shape[1])]
    past.columns, now.columns = pd.Index(names), pd.Index(names)
    numeric = [name for at, name in enumerate(names) if at < 20 or at == len(names) - 1]
    kinds = DataDefinition(numerical_columns=numeric, categorical_columns=[n for n in names if n not in numeric])
    reference, current = (Dataset.from_pandas(one, data_definition=kinds) for one in (past, now))
    seconds = []
    for _ in range(rounds + 1):
        begun = time.process_time()
        Report([DataDriftPreset()]).run(current, reference).dict()
        seconds.append(time.process_time() - begun)
    print(json.dumps(seconds[1:]))


main(Path(sys.argv[1]), int(sys.argv[2]))
