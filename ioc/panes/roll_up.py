"""Minutes as hours, hours as days: the time column alone changes, rows of a key may then occur several times."""

from ioc.panes.schema import Columns

MINUTES_PER_HOUR = 60
HOURS_PER_DAY = 24


def minutes_to_hours(columns: Columns) -> Columns:
    """Return the same rows with their minutes as hours since 1970 UTC; not merged."""
    return columns | {"time": columns["time"] // MINUTES_PER_HOUR}


def hours_to_days(columns: Columns, zone_hours: int) -> Columns:
    """Return the same rows with their hours as days since 1970 in the zone `zone_hours` ahead of UTC; not merged."""
    return columns | {"time": (columns["time"] + zone_hours) // HOURS_PER_DAY}
