"""Which values stay hidden, so that nobody learns of fewer than 5 cases, nor reckons them from what is shown.

A cell is one KPI of one unit in one period; its cases are known to be those of its parent unit as well. A cell of fewer
than LEAST cases is hidden (primary). Among the children of a unit with any hidden cell, more are hidden (secondary),
those with the fewest cases first, until at least two are and together have at least LEAST cases: the sum of the hidden
ones, which anybody gets as total less those shown, is then a sum of several, and itself not of few. Where a unit's
children are too few for that, the unit is hidden, too, and its own siblings are looked at again; the children of a
hidden unit are never all shown, which would tell it.
"""

from collections.abc import Mapping

LEAST = 5
"""Fewest cases that a shown value rests on."""


def hidden(cases: Mapping[str, int], parents: Mapping[str, str]) -> frozenset[str]:
    """Units whose cells are hidden, of one KPI and period. `cases` holds how many each cell rests on, `parents` the
    unit above each (missing or not in `cases`: it stands alone). The same for whatever order they come in."""
    found = {unit for unit, n in cases.items() if n < LEAST}
    families: dict[str, list[str]] = {}
    for unit in sorted(cases, key=lambda unit: (cases[unit], unit)):
        families.setdefault(parents.get(unit, ""), []).append(unit)
    within = {parent: children for parent, children in families.items() if parent in cases}
    while True:
        known = set(found)
        for parent, children in within.items():
            found |= _more(children, found, cases, parent_hidden=parent in found)
            concealed = [child for child in children if child in found]
            if concealed and not _enough(concealed, cases):
                found.add(parent)
        if found == known:
            return frozenset(found)


def _more(children: list[str], found: set[str], cases: Mapping[str, int], *, parent_hidden: bool) -> set[str]:
    """Children to be hidden besides, those with the fewest cases first; `children` are in that order."""
    chosen = [child for child in children if child in found]
    if not chosen and not parent_hidden:
        return set()
    shown = iter([child for child in children if child not in found])
    while not _enough(chosen, cases) and (child := next(shown, None)) is not None:
        chosen.append(child)
    return set(chosen)


def _enough(together: list[str], cases: Mapping[str, int]) -> bool:
    """Several, and not few together."""
    return len(together) > 1 and sum(cases[unit] for unit in together) >= LEAST
