"""Complaints: what fails again and again is said when it begins, when it fails otherwise, and when it works again."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from server.transport.status import said, tell
from store.errors import DatabaseFault, StoreClosed
from store.vault import VaultFault

LOG = structlog.get_logger()

ALL = ""  #: in the place of a model: what no single one can help
OF_ALL = (DatabaseFault, VaultFault, StoreClosed)


class Complaints:
    """What each work of the clock failed with when it was last done. A model is named once, not by each work."""

    def __init__(self) -> None:
        self._failing: dict[str, dict[str, Exception]] = {}

    def heard(self, work: str, failures: Mapping[str, Exception]) -> None:
        """Take what *work* fails with by now, by model, or under `ALL` where it could not begin; say what is new."""
        before = self._told()
        self._failing[work] = self._now(work, failures)
        after = self._told()
        for model, reason in sorted(after.keys() - before.keys()):
            _complain(work, model, reason, after[model, reason])
        for model in sorted({model for model, _ in before} - {model for model, _ in after}):
            LOG.info("works again", work=work, model=model)

    def _now(self, work: str, failures: Mapping[str, Exception]) -> dict[str, Exception]:
        of_all = next((one for name, one in failures.items() if name == ALL or isinstance(one, OF_ALL)), None)
        if of_all is None:
            return dict(failures)
        return {**self._failing.get(work, {}), ALL: of_all}  # nothing is known of the models, so what was said stands

    def _told(self) -> dict[tuple[str, str], Exception]:
        """Give what fails, by model and reason: texts may differ from time to time."""
        return {(name, said(one)[0]): one for failing in self._failing.values() for name, one in failing.items()}


def _complain(work: str, model: str, reason: str, error: Exception) -> None:
    if tell(error) is None:
        LOG.error("fails", work=work, model=model, reason=reason, error=repr(error), exc_info=error)
    else:
        LOG.warning("fails", work=work, model=model, reason=reason, error=str(error))
