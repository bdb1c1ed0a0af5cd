"""How a part of a condition goes with `now`: it stays, only rises, only falls, or nobody can tell.

A truth rises when, once true, it stays true as `now` goes on: `due_at < now`. Null stays null.
"""

FREE, RISING, FALLING = 0, 1, -1
Turn = int | None
"""None: nobody can tell."""


def flipped(turn: Turn) -> Turn:
    return None if turn is None else -turn


def together(*turns: Turn) -> Turn:
    """Of a sum, or of truths joined by one and the same word."""
    moving = {turn for turn in turns if turn != FREE}
    return FREE if not moving else moving.pop() if len(moving) == 1 else None


def compared(sign: str, left: Turn, right: Turn) -> Turn:
    if sign in ("<", "<="):
        return together(flipped(left), right)
    if sign in (">", ">="):
        return together(left, flipped(right))
    return fixed(left, right)


def fixed(*turns: Turn) -> Turn:
    """Where any movement makes it incalculable."""
    return FREE if all(turn == FREE for turn in turns) else None
