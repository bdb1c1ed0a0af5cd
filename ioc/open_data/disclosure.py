"""Which cells to hide, so that nobody can learn of or calculate a count below 5 cases.

A cell is one KPI of one unit in one period; its cases belong to its parent unit as well. A cell of fewer than
MIN_CASES cases is hidden (primary suppression). Among the children of a unit with a hidden cell, more are hidden
(secondary suppression), those with the fewest cases first, until at least two are hidden that together have at least
MIN_CASES cases: the sum of the hidden ones, which is total minus shown, then covers several cells and is not small.
Where a unit has too few children for that, the unit is hidden too, and its siblings are checked again. The children
of a hidden unit are never all shown, since they would reveal it.
"""

from collections.abc import Mapping

MIN_CASES = 5
"""Minimum number of cases behind a shown value."""


def hidden(cases: Mapping[str, int], parents: Mapping[str, str]) -> frozenset[str]:
    """Return the units whose cells are hidden, for one KPI and period.

    `cases` holds the cases behind each cell, `parents` the parent of each unit (missing or not in `cases`: it has
    none). The result does not depend on their order.
    """
    found = {unit for unit, n in cases.items() if n < MIN_CASES}
    families: dict[str, list[str]] = {}
    for unit in sorted(cases, key=lambda unit: (cases[unit], unit)):
        families.setdefault(parents.get(unit, ""), []).append(unit)
    within = {parent: children for parent, children in families.items() if parent in cases}
    while True:
        known = set(found)
        for parent, children in within.items():
            found |= _also_hide(children, found, cases, parent_hidden=parent in found)
            concealed = [child for child in children if child in found]
            if concealed and not _hide_enough(concealed, cases):
                found.add(parent)
        if found == known:
            return frozenset(found)


def _also_hide(children: list[str], found: set[str], cases: Mapping[str, int], *, parent_hidden: bool) -> set[str]:
    """Return further children to hide, those with the fewest cases first; `children` are in that order."""
    chosen = [child for child in children if child in found]
    if not chosen and not parent_hidden:
        return set()
    shown = iter([child for child in children if child not in found])
    while not _hide_enough(chosen, cases) and (child := next(shown, None)) is not None:
        chosen.append(child)
    return set(chosen)


def _hide_enough(together: list[str], cases: Mapping[str, int]) -> bool:
    """Return whether the hidden cells are several and together not small."""
    return len(together) > 1 and sum(cases[unit] for unit in together) >= MIN_CASES
