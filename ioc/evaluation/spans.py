"""A stretch of minutes as whole days, hours and minutes, so that few panes answer for it exactly."""

from dataclasses import dataclass

MINUTES_A_HOUR = 60
HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True)
class Piece:
    """Panes of one level (`minute`, `hour`, `day`) from `start` to before `end`, counted since 1970 as the level is:
    minutes and hours in UTC, days in the province's zone."""

    level: str
    start: int
    end: int


def pieces(start: int, end: int, zone_hours: int) -> list[Piece]:
    """[start, end) in minutes since 1970 UTC, cut so that each minute lies in exactly one piece of the coarsest level
    that fits. `zone_hours` is the zone's offset. Empty when there is no minute."""
    first_hour, last_hour = -(-start // MINUTES_A_HOUR), end // MINUTES_A_HOUR
    if first_hour >= last_hour:
        return _some(Piece("minute", start, end))
    first_day, last_day = -(-(first_hour + zone_hours) // HOURS_A_DAY), (last_hour + zone_hours) // HOURS_A_DAY
    edges = _some(Piece("minute", start, first_hour * MINUTES_A_HOUR), Piece("minute", last_hour * MINUTES_A_HOUR, end))
    if first_day >= last_day:
        return [*edges, Piece("hour", first_hour, last_hour)]
    return edges + _some(
        Piece("hour", first_hour, first_day * HOURS_A_DAY - zone_hours),
        Piece("day", first_day, last_day),
        Piece("hour", last_day * HOURS_A_DAY - zone_hours, last_hour),
    )


def _some(*given: Piece) -> list[Piece]:
    return [piece for piece in given if piece.start < piece.end]
