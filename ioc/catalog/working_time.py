"""Working days in SQL, over the columns of the store's table `working_calendar`, of one row.

`calendar_counts` holds for each day from the calendar's first the number of working days up to it, `calendar_ends` the
last millisecond (UTC) of each working day; a moment's ms since 1970 plus `calendar_shift` is its ms since the
beginning of the day before the first, in local time. Nothing here calls Python for a row, or joins.
"""

MS_A_DAY = 86_400_000


def working_days(since: str, until: str) -> str:
    """Working days after the day of `since` up to and including that of `until`, negative when it is before; null
    where the calendar does not know one of the days."""
    return f"({_counted(_place(until))} - {_counted(_place(since))})"


def add_working_days(since: str, days: str) -> str:
    """The end (its last millisecond) of the `days`-th working day after the day of `since`, of its own day for 0; null
    for less and where the calendar ends."""
    own = f"make_timestamp(({_place(since)} * {MS_A_DAY} + {MS_A_DAY - 1} - calendar_shift) * 1000)"
    later = _end(f"{_counted(_place(since))} + floor({days})::BIGINT")
    return f"(CASE WHEN {days} >= 1 THEN {later} WHEN {days} >= 0 THEN {own} END)"


def moved_by_working_days(moment: str, days: str) -> str:
    """`moment` at its time of day, as many working days later; midnight is the end of the day before."""
    place = f"((epoch_ms({moment}) + calendar_shift - 1) // {MS_A_DAY})"
    # From the last millisecond of the day back to the time of day.
    rest = f"({place} * {MS_A_DAY} + {MS_A_DAY - 1} - calendar_shift - epoch_ms({moment}))"
    later = _end(f"{_counted(place)} + {days}")
    return f"(CASE WHEN {days} > 0 THEN {later} - to_milliseconds({rest}) ELSE {moment} END)"


def _place(moment: str) -> str:
    """The place of a moment's local day in the calendar, from 1; below it before the calendar begins."""
    return f"((epoch_ms({moment}) + calendar_shift) // {MS_A_DAY})"


def _counted(place: str) -> str:
    # A place below 1 would count from the end of the list.
    return f"calendar_counts[greatest({place}, 0)]"


def _end(number: str) -> str:
    return f"calendar_ends[greatest({number}, 0)]"
