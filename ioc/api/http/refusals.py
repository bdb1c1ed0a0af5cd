"""Acts and definitions that are refused, as problems with the field to mend."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from ioc.alerts.refusals import ActRefused
from ioc.alerts.versions import ChangedMeanwhile
from ioc.api.http.problems import FieldFault, Problem, invalid_field
from ioc.api.http.times import parse_time
from ioc.catalog import CatalogInvalid
from ioc.clock import to_ms
from ioc.messages import Message
from ioc.model.duration import parse_duration
from ioc.model.matcher import MatcherInvalid


class RequestBody(BaseModel):
    """Fields of a JSON body; others are refused."""

    model_config = ConfigDict(extra="forbid")


class EndTime(RequestBody):
    """The end: a time, or a length from now on (30m, 2h, 1d)."""

    until: str | None = None
    lasts: str | None = Field(None, alias="for", pattern=r"^[1-9]\d{0,4}[mhd]$")

    def end_ms(self, now: datetime) -> int:
        """Raises Problem (400) without an end."""
        if self.lasts is not None:
            return to_ms(now + parse_duration(self.lasts))
        if self.until is None:
            raise invalid_field("until", Message("until_missing"))
        return to_ms(parse_time("until", self.until))


def field_faults(invalid: CatalogInvalid) -> list[FieldFault]:
    """Every fault of a definition, as pages show it."""
    return [FieldFault(one.field, one.message, one.code, one.given) for one in invalid.faults]


def invalid_matcher(field: str, fault: MatcherInvalid) -> Problem:
    """400: matchers that cannot be used."""
    return Problem(400, fault.message, [FieldFault(field, fault.message)])


def expected_revision(request: Request, body: str | None) -> str | None:
    """Return the revision that a change was made from: the field `revision`, else the header If-Match, else None."""
    if body is not None:
        return body
    header = request.headers.get("If-Match", "*").strip()
    return None if header == "*" else header.removeprefix("W/").strip('"')


def _conflict(fault: ChangedMeanwhile) -> Problem:
    """409 with what somebody else changed meanwhile (`theirs`) and what this change would alter now (`yours`)."""
    more = {
        "revision": fault.revision,
        "theirs": [asdict(one) for one in fault.theirs],
        "yours": [asdict(one) for one in fault.yours],
    }
    errors = [FieldFault("revision", fault.message)]
    return Problem(409, fault.message, errors, {"ETag": f'"{fault.revision}"'}, more)


@contextmanager
def refusals_as_problems() -> Iterator[None]:
    """400 with the field for what the person mends, 409 for what cannot be done now, 404 for what is not there."""
    try:
        yield
    except ActRefused as fault:
        if fault.field:
            raise Problem(400, fault.message, [FieldFault(fault.field, fault.message)]) from None
        raise Problem(409, fault.message) from None
    except ChangedMeanwhile as fault:
        raise _conflict(fault) from None
    except CatalogInvalid as fault:
        errors = field_faults(fault)
        first = errors[0] if errors else FieldFault("", str(fault))
        raise Problem(400, f"{first.field} {first.message}".strip(), errors) from None
    except MatcherInvalid as fault:
        raise invalid_matcher("matchers", fault) from None
    except KeyError as fault:
        raise Problem(404, Message("nothing_called", given=str(fault.args[0])[:80])) from None
