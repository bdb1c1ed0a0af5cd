"""Whether alerts flood now, from the record of what fired."""

from datetime import datetime, timedelta

from ioc.alerts.flood import Flood, floods
from ioc.clock import to_ms
from ioc.model.alert import TransitionKind
from ioc.store.alerting import AlertStore

_BACK = timedelta(hours=1)


def fired_lately(store: AlertStore, now: datetime) -> list[int]:
    """When alerts fired (ms) in the last hour, and those before that still hold. Raises StoreUnavailable."""
    moved = store.transitions(now - _BACK, now + timedelta(seconds=1))
    return [one.at_ms for one in moved if one.kind is TransitionKind.FIRING]


def flood_now(store: AlertStore, now: datetime) -> Flood | None:
    """The flood that lasts, None while there is none. Raises StoreUnavailable."""
    found = floods(fired_lately(store, now), to_ms(now))
    return found[-1] if found and found[-1].until_ms is None else None
