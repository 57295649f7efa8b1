"""Run by an environment that has NannyML: accuracy and area under the curve without labels, window by window.

python nannyml_estimates.py FOLDER ROWS

FOLDER holds `reference.csv` (score, label) and `current.csv` (score); the answer is `nannyml.json` beside them.
"""

import json
import sys
import time
from pathlib import Path

import nannyml
import pandas as pd

METRICS = ("accuracy", "roc_auc")


def main() -> None:
    """Fit, estimate, and write what was found and what it took."""
    folder, rows = Path(sys.argv[1]), int(sys.argv[2])
    reference, current = (pd.read_csv(folder / f"{name}.csv") for name in ("reference", "current"))
    for table in (reference, current):
        table["answer"] = (table["score"] >= 0.5).astype(int)
    estimator = nannyml.CBPE(
        y_pred_proba="score", y_pred="answer", y_true="label", problem_type="classification_binary",
        metrics=list(METRICS), chunk_size=rows,
    )  # fmt: skip
    estimator.fit(reference)
    begun = time.process_time()
    found = estimator.estimate(current).filter(period="analysis").to_df()
    spent = time.process_time() - begun
    told = {name: {part: found[(name, part)].tolist() for part in ("value", "sampling_error")} for name in METRICS}
    (folder / "nannyml.json").write_text(
        json.dumps({**told, "rows_per_second": len(current) / spent, "calibrated": bool(estimator.needs_calibration)})
    )


if __name__ == "__main__":
    main()
