"""Base models of JSON request bodies."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from ioc.api.http.problems import invalid_field
from ioc.api.http.times import parse_time
from ioc.clock import to_ms
from ioc.messages import Message
from ioc.model.duration import parse_duration


class RequestBody(BaseModel):
    """A JSON body. Unknown fields are refused (422)."""

    model_config = ConfigDict(extra="forbid")


class EndTime(RequestBody):
    """A body with an end: the time `until` (RFC 3339), or the duration `for` from now (30m, 2h, 1d)."""

    until: str | None = None
    lasts: str | None = Field(None, alias="for", pattern=r"^[1-9]\d{0,4}[mhd]$")

    def end_ms(self, now: datetime) -> int:
        """Return the end in ms since 1970. Raises Problem (400) when the body has none."""
        if self.lasts is not None:
            return to_ms(now + parse_duration(self.lasts))
        if self.until is None:
            raise invalid_field("until", Message("until_missing"))
        return to_ms(parse_time("until", self.until))
