"""What has fallen far behind its feed is laid aside, and read on beside the writer: as where another server follows."""

from __future__ import annotations

from server.intake.admission import Intake
from server.watching.watch import Watch

MOST_BEHIND = 32  #: entries that the writer reads on by himself; every model waits for him


class Aside:
    """Intakes and watches that nobody has at hand. The writer lays aside; whoever takes is alone with what he takes."""

    def __init__(self) -> None:
        self._intakes: dict[str, Intake] = {}
        self._watches: dict[str, Watch] = {}

    def lay(self, model: str, left: Intake | Watch) -> None:
        """Lay aside what is known of *model*."""
        if isinstance(left, Intake):
            self._intakes[model] = left
        else:
            self._watches[model] = left

    def taken(self, model: str) -> tuple[Intake | None, Watch | None]:
        """Take what was laid aside of *model*; from any thread."""
        return self._intakes.pop(model, None), self._watches.pop(model, None)
