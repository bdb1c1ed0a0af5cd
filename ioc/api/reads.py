"""Reads of single cases and of refused records go into the audit trail: who looked at what, by which filters."""

from collections.abc import Mapping

from fastapi import Request

from ioc.api.centre import Centre
from ioc.api.gate import caller_of

_MAX_SHOWN = 200


def note_read(centre: Centre, request: Request, act: str, what: str, details: Mapping[str, object]) -> None:
    """Note the read before its rows go out; blocks on the disk. Raises StoreUnavailable: what cannot be noted is not
    shown. Details that are None are left out."""
    given = {name: str(value)[:_MAX_SHOWN] for name, value in details.items() if value is not None}
    centre.people.trail.note(caller_of(request).name, act, what[:_MAX_SHOWN], given)
