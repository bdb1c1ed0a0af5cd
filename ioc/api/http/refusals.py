"""Turn refused actions, invalid definitions and editing conflicts into problems."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from fastapi import Request

from ioc.alerts.refusals import ActRefused
from ioc.alerts.versions import ChangedMeanwhile
from ioc.api.http.problems import FieldFault, Problem
from ioc.catalog import CatalogInvalid
from ioc.messages import Message
from ioc.model.matcher import MatcherInvalid


def field_faults(invalid: CatalogInvalid) -> list[FieldFault]:
    """Return the faults of a definition as members of `errors`."""
    return [FieldFault(one.field, one.message) for one in invalid.faults]


def invalid_matcher(field: str, fault: MatcherInvalid) -> Problem:
    """Return the problem (400) for matchers that cannot be parsed."""
    return Problem(400, fault.message, [FieldFault(field, fault.message)])


def expected_revision(request: Request, body: str | None) -> str | None:
    """Return the revision that a change is based on: the field `revision`, else the header If-Match, else None."""
    if body is not None:
        return body
    header = request.headers.get("If-Match", "*").strip()
    return None if header == "*" else header.removeprefix("W/").strip('"')


@contextmanager
def refusals_as_problems() -> Iterator[None]:
    """Translate refusals of the block.

    - 400 with the field, for what the person can correct (ActRefused with a field, CatalogInvalid, MatcherInvalid)
    - 409 for what is not possible now (ActRefused without a field, ChangedMeanwhile)
    - 404 for what does not exist (KeyError)
    """
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
        first = fault.faults[0]
        place = f"{first.field} " if first.field else ""
        raise Problem(400, Message("definition_fault", place=place, fault=first.message), errors) from None
    except MatcherInvalid as fault:
        raise invalid_matcher("matchers", fault) from None
    except KeyError as fault:
        raise Problem(404, Message("nothing_called", given=str(fault.args[0])[:80])) from None


def _conflict(fault: ChangedMeanwhile) -> Problem:
    """Return 409 with what somebody else changed meanwhile (`theirs`) and what this change would alter (`yours`)."""
    more = {
        "revision": fault.revision,
        "theirs": [asdict(one) for one in fault.theirs],
        "yours": [asdict(one) for one in fault.yours],
    }
    errors = [FieldFault("revision", fault.message)]
    return Problem(409, fault.message, errors, {"ETag": f'"{fault.revision}"'}, more)
