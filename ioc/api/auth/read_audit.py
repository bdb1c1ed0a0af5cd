"""Reads of single cases and of refused records go into the audit trail: who looked at what, by which filters."""

import logging
from collections.abc import Mapping

from fastapi import Request

from ioc.api.auth.middleware import caller_of
from ioc.api.context import ApiContext
from ioc.errors import StoreUnavailable

log = logging.getLogger("ioc.trail")

_MAX_SHOWN = 200


def note_read(
    centre: ApiContext, request: Request, act: str, what: str, details: Mapping[str, object], *, is_masked: bool = False
) -> None:
    """Note the read before its rows go out; blocks on the disk. Details that are None are left out.

    Raises StoreUnavailable: what cannot be noted is not shown. Only what `is_masked` is shown nevertheless, with a line
    in the log: an administrator must be able to look for faults while the file of people is damaged.
    """
    who = caller_of(request).name
    given = {name: str(value)[:_MAX_SHOWN] for name, value in details.items() if value is not None}
    try:
        centre.people.trail.note(who, act, what[:_MAX_SHOWN], given)
    except StoreUnavailable:
        if not is_masked:
            raise
        log.warning("Not in the audit trail, which cannot be written: %s by %s, %r", act, who, given)
