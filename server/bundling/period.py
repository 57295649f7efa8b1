"""The period that a bundle is about. What lies before it is in it too, since only a whole stream can be folded."""

from __future__ import annotations

from dataclasses import dataclass

from remission_verify.limits import MOST_INTEGER

from server.errors import Invalid, ModelMissing, OutOfRecord
from statemachine.record.envelope import RecordedEvent
from store.ports import Reader

MOST_US = MOST_INTEGER  #: what every reader of JSON keeps exact


@dataclass(frozen=True, slots=True)
class Period:
    """From one instant to another, both included, on the clock of the events; None is no bound."""

    from_us: int | None = None
    until_us: int | None = None

    def check(self) -> None:
        """Refuse bounds that no period has.

        Raises:
            Invalid: A bound is no instant, or the first lies behind the second.
        """
        for name, value in (("from_us", self.from_us), ("until_us", self.until_us)):
            if value is not None and abs(value) > MOST_US:
                raise Invalid(name, f"{value} is not accepted; {-MOST_US} to {MOST_US} is")
        if self.from_us is not None and self.until_us is not None and self.from_us > self.until_us:
            raise Invalid("from_us", f"{self.from_us} lies behind until_us; {self.until_us} or less is accepted")

    def check_model(self, reader: Reader, model: str) -> None:
        """Refuse a model that is not on record, or was not yet.

        Raises:
            ModelMissing: No such model is on record.
            OutOfRecord: The period ends before the model's first event.
        """
        first = next(iter(reader.events(model, 0, 1)), None)
        if first is None:
            raise ModelMissing(model)
        if self.until_us is not None and self.until_us < first.occurred_us:
            what = "lies before the first event of the model"
            raise OutOfRecord("until_us", self.until_us, first.occurred_us, None, what)

    def is_over(self, event: RecordedEvent) -> bool:
        """Say whether *event* lies behind the period."""
        return self.until_us is not None and event.occurred_us > self.until_us

    def has_begun(self, at_us: int) -> bool:
        """Say whether an instant lies in the period or behind it."""
        return self.from_us is None or at_us >= self.from_us
