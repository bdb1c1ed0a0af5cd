"""What stays hidden: nobody who sees the published cells, and knows the rule, can tell any hidden number."""

from collections.abc import Iterator, Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.open_data.disclosure import MIN_CASES, hidden

FLAT = {"a": "top", "b": "top", "c": "top", "d": "top"}
TWO_LEVELS = {"a": "top", "b": "top", "c": "a", "d": "a", "e": "b", "f": "b"}


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        pytest.param({"top": 60, "a": 20, "b": 20, "c": 20}, "", id="nothing is few"),
        pytest.param({"top": 41, "a": 1, "b": 20, "c": 20}, "ab", id="one is few: one more, or the total tells it"),
        pytest.param({"top": 22, "a": 1, "b": 1, "c": 20}, "abc", id="two few that are few together"),
        pytest.param({"top": 28, "a": 4, "b": 4, "c": 20}, "ab", id="two few that are not few together"),
        pytest.param({"top": 45, "a": 5, "b": 20, "c": 20}, "", id="five is shown"),
        pytest.param({"top": 40, "a": 0, "b": 20, "c": 20}, "ab", id="zero is few"),
        pytest.param({"top": 3, "a": 3}, ["a", "top"], id="the total itself"),
        pytest.param({"top": 7, "a": 3, "b": 4}, "ab", id="all children, the total stays"),
        pytest.param({"top": 5, "a": 3}, ["a", "top"], id="one child alone takes its parent with it"),
        pytest.param({"a": 3, "b": 40}, "a", id="no total is shown: none to reckon with"),
        pytest.param({"x": 2, "y": 100}, "x", id="units that stand alone"),
    ],
)
def test_hidden(cases: dict[str, int], expected: str) -> None:
    assert hidden(cases, FLAT) == set(expected)


def published(cases: Mapping[str, int], parents: Mapping[str, str]) -> tuple[tuple[str, int | None], ...]:
    concealed = hidden(cases, parents)
    return tuple((unit, None if unit in concealed else n) for unit, n in sorted(cases.items()))


def consistent(
    seen: tuple[tuple[str, int | None], ...], parents: Mapping[str, str], most: int
) -> Iterator[dict[str, int]]:
    """All tables whose publication would look just so, with sums that hold."""
    leaves = [unit for unit, _ in seen if unit not in parents.values()]
    shown = dict(seen)
    choices = [range(most + 1) if shown[leaf] is None else [shown[leaf]] for leaf in leaves]
    for picked in product(*choices):
        table = summed(dict(zip(leaves, picked, strict=True)), parents)  # type: ignore[arg-type]
        if all(n is None or table[unit] == n for unit, n in seen) and published(table, parents) == seen:
            yield table


def summed(leaves: Mapping[str, int], parents: Mapping[str, str]) -> dict[str, int]:
    """The leaves, and each unit above as the sum of its children."""
    table = dict(leaves)
    above = sorted(set(parents.values()), key=lambda unit: unit == "top")
    for unit in above:
        table[unit] = sum(table[child] for child, parent in parents.items() if parent == unit)
    return table


def told(seen: tuple[tuple[str, int | None], ...], parents: Mapping[str, str], most: int) -> list[str]:
    """Hidden units whose number is the same in every table that fits."""
    fitting = list(consistent(seen, parents, most))
    assert fitting
    return [unit for unit, n in seen if n is None and len({table[unit] for table in fitting}) == 1]


@pytest.mark.parametrize("numbers", [*product((0, 1, 4), (0, 4, 5), (5, 6))], ids=str)
def test_no_hidden_number_follows_from_the_shown_ones(numbers: tuple[int, ...]) -> None:
    parents = {"a": "top", "b": "top", "c": "top"}
    table = summed(dict(zip("abc", numbers, strict=True)), parents)
    assert told(published(table, parents), parents, most=9) == []


@pytest.mark.parametrize(
    "numbers",
    [(0, 0, 5, 5), (1, 7, 6, 6), (4, 4, 5, 6), (0, 5, 0, 5), (2, 2, 2, 2), (3, 6, 5, 1)],
    ids=str,
)
def test_nor_over_two_levels(numbers: tuple[int, ...]) -> None:
    table = summed(dict(zip("cdef", numbers, strict=True)), TWO_LEVELS)
    seen = published(table, TWO_LEVELS)
    assert told(seen, TWO_LEVELS, most=7) == []


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 30), min_size=1))
def test_what_is_few_is_hidden_and_together_it_is_not_few(cases: dict[str, int]) -> None:
    with_total = cases | {"top": sum(cases.values())}
    concealed = hidden(with_total, FLAT)
    assert {unit for unit, n in with_total.items() if n < MIN_CASES} <= concealed
    below = [unit for unit in cases if unit in concealed]
    if "top" not in concealed:
        assert not below or (len(below) > 1 and sum(cases[unit] for unit in below) >= MIN_CASES)
