"""Calculate with working days in SQL, over the columns of the store's table `working_calendar`, which has one row.

`calendar_counts` holds for each day from the calendar's first the number of working days up to it, and `calendar_ends`
the last millisecond (UTC) of each working day. A moment's ms since 1970 plus `calendar_shift` is its ms since the
beginning of the day before the first, in local time. The SQL needs no Python function and no join.
"""

MS_A_DAY = 86_400_000


def working_days(since: str, until: str) -> str:
    """Return SQL for the number of working days after the day of `since` up to and including the day of `until`.

    It is negative when `until` is before `since`, and null when a day is outside the calendar.
    """
    return f"({_counted(_day_index(until))} - {_counted(_day_index(since))})"


def add_working_days(since: str, days: str) -> str:
    """Return SQL for the last millisecond of the `days`-th working day after the day of `since`, of its own day for 0.

    It is null for negative `days` and after the end of the calendar.
    """
    own = f"make_timestamp(({_day_index(since)} * {MS_A_DAY} + {MS_A_DAY - 1} - calendar_shift) * 1000)"
    later = _end(f"{_counted(_day_index(since))} + floor({days})::BIGINT")
    return f"(CASE WHEN {days} >= 1 THEN {later} WHEN {days} >= 0 THEN {own} END)"


def moved_by_working_days(moment: str, days: str) -> str:
    """Return SQL for the same time of day so many working days later; midnight counts as the end of the day before."""
    index = f"((epoch_ms({moment}) + calendar_shift - 1) // {MS_A_DAY})"
    # From the last millisecond of the day back to the time of day.
    rest = f"({index} * {MS_A_DAY} + {MS_A_DAY - 1} - calendar_shift - epoch_ms({moment}))"
    later = _end(f"{_counted(index)} + {days}")
    return f"(CASE WHEN {days} > 0 THEN {later} - to_milliseconds({rest}) ELSE {moment} END)"


def _day_index(moment: str) -> str:
    """Return SQL for the index of a moment's local day in the calendar, from 1; less before the calendar begins."""
    return f"((epoch_ms({moment}) + calendar_shift) // {MS_A_DAY})"


def _counted(index: str) -> str:
    # An index below 1 would count from the end of the list.
    return f"calendar_counts[greatest({index}, 0)]"


def _end(number: str) -> str:
    return f"calendar_ends[greatest({number}, 0)]"
