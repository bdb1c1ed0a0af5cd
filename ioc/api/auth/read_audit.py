"""Record in the audit trail who read single cases and refused records, with the filters they used."""

import logging
from collections.abc import Mapping

from fastapi import Request

from ioc.api.auth.middleware import caller_of
from ioc.api.context import ApiContext
from ioc.errors import StoreUnavailable

log = logging.getLogger("ioc.trail")

_MAX_SHOWN = 200


def note_read(
    context: ApiContext,
    request: Request,
    act: str,
    what: str,
    details: Mapping[str, object],
    *,
    is_masked: bool = False,
) -> None:
    """Record a read before its rows are sent; blocks on the disk. Details that are None are left out.

    Raises StoreUnavailable, so that what cannot be recorded is not shown. Rows that are masked (`is_masked`) are shown
    nevertheless, with a warning in the log: an administrator must be able to look for faults while the file of people
    is damaged.
    """
    who = caller_of(request).name
    shown = {name: str(value)[:_MAX_SHOWN] for name, value in details.items() if value is not None}
    try:
        context.people.trail.note(who, act, what[:_MAX_SHOWN], shown)
    except StoreUnavailable:
        if not is_masked:
            raise
        log.warning("Not in the audit trail, which cannot be written: %s by %s, %r", act, who, shown)
