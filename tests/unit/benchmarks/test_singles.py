"""How detectors of single values are matched with the e-detector."""

from __future__ import annotations

from typing import Any

from benchmarks.detectors.singles import ADWIN, MATCHED, PARTS, matched
from benchmarks.detectors.size import FULL, ROWS

HALFWAY = FULL.calm * ROWS // 2


def null_streams(*alarms: int) -> dict[str, Any]:
    """Return first alarms by the settings of ADWIN: so many streams alarm halfway; no other detector ever does."""
    found = {
        f"null {one.name} {part}": quiet(one.streams(FULL), len(one.settings))
        for one in MATCHED
        for part in range(PARTS)
    }
    streams = [stream for part in range(PARTS) for stream in found[f"null ADWIN {part}"]]
    for setting, number in enumerate(alarms):
        for stream in streams[:number]:
            stream[setting] = HALFWAY
    return found


def quiet(streams: int, settings: int) -> list[list[int]]:
    """Return null streams in which nothing alarms."""
    return [[0] * settings for _ in range(streams)]


def test_the_most_eager_setting_that_alarms_no_more_often_than_the_e_detector_is_raced_with() -> None:
    found = null_streams(40, 30, 17, 15, 9)  # one in 25 million is 15 in 396 million

    adwin = matched(FULL, found)["ADWIN"]

    assert (adwin.options, adwin.alarms, adwin.values) == (ADWIN[3], 15, (800 * FULL.calm * ROWS) - 15 * HALFWAY)


def test_where_every_setting_alarms_more_often_the_calmest_is_raced_with_and_its_alarms_are_told() -> None:
    found = null_streams(*[40] * len(ADWIN))

    adwin = matched(FULL, found)["ADWIN"]

    assert adwin.note == f"{ADWIN[-1]}, 40 false alarms in 390,000,000 values"
