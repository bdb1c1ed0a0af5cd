"""A reading: the value of a measure at one time."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one measure.

    `measure` is an id of the catalogue, `unit` the code of an administrative unit, `time` the event time (aware),
    `value` in the measure's unit of measure; `subject` names the device, station or service, or is empty.
    """

    measure: str
    unit: str
    time: datetime
    value: float
    subject: str = ""

    def __post_init__(self) -> None:
        if self.time.tzinfo is None:
            raise ValueError(f"time {self.time.isoformat()} of {self.measure} has no time zone")
