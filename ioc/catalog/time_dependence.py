"""How a part of a condition changes as `now` advances: not at all, only rising, only falling, or unknown.

A boolean rises if, once true, it stays true as `now` advances: `due_at < now`. Null stays null.
"""

FREE, RISING, FALLING = 0, 1, -1
Trend = int | None
"""FREE, RISING or FALLING; None: unknown."""


def flipped(trend: Trend) -> Trend:
    """Return the trend of a negation."""
    return None if trend is None else -trend


def together(*trends: Trend) -> Trend:
    """Return the trend of a sum, or of booleans joined by `and` only or by `or` only."""
    moving = {trend for trend in trends if trend != FREE}
    return FREE if not moving else moving.pop() if len(moving) == 1 else None


def compared(sign: str, left: Trend, right: Trend) -> Trend:
    """Return the trend of a comparison."""
    if sign in ("<", "<="):
        return together(flipped(left), right)
    if sign in (">", ">="):
        return together(left, flipped(right))
    return fixed(left, right)


def fixed(*trends: Trend) -> Trend:
    """Return the trend of an expression that has none if any of its parts changes."""
    return FREE if all(trend == FREE for trend in trends) else None
