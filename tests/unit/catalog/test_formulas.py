"""Formulas: what they compute over vectors, and what is refused."""

import numpy as np
import pytest

from ioc.catalog.formulas import FormulaInvalid, parse_formula, parts_of
from ioc.evaluation.formulas import compute

VALUES = {"a.x": np.array([6.0, 1.0, np.nan]), "b": np.array([3.0, 0.0, 2.0])}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        pytest.param("a.x - b - 1", [2, 0, None], id="from the left"),
        pytest.param("2 + a.x * b", [20, 2, None], id="product first"),
        pytest.param("(2 + a.x) * b", [24, 0, None], id="brackets"),
        pytest.param("-b + 1", [-2, 1, -1], id="minus of one"),
        pytest.param("12 / a.x / 2", [1, 6, None], id="division from the left"),
        pytest.param("a.x / b", [2, None, None], id="division by zero has no value"),
        pytest.param("100 * (1 - b / a.x)", [50, 100, None], id="success rate"),
        pytest.param("min(a.x, b, 2) + max(b)", [5, 0, None], id="min and max"),
        pytest.param("1.5e1 * b", [45, 0, 30], id="number with an exponent"),
        pytest.param("b", [3, 0, 2], id="another KPI as it is"),
        pytest.param("scale(b, 0:0, 2:50, 4:100)", [75, 0, 50], id="scale: straight between its points"),
        pytest.param("scale(a.x - 4, 0:10, 1:20)", [20, 10, None], id="scale: beyond its points their values"),
        pytest.param("scale(-b, -3:1, 0:4)", [1, 4, 2], id="scale: points below zero"),
    ],
)
def test_compute(text: str, answer: list[float | None]) -> None:
    term = parse_formula(text)
    values = {part: VALUES[part] for part in parts_of(term)}
    computed = compute(term, values, None)
    assert [None if np.isnan(value) else value for value in computed] == pytest.approx(answer)


def test_when_zero_stands_in_for_a_division_by_zero_but_not_for_missing_data() -> None:
    computed = compute(parse_formula("a.x / b"), VALUES, 7.0)
    assert computed[:2].tolist() == [2, 7]
    assert np.isnan(computed[2])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "a number, the id of a KPI, or ( was expected", id="nothing"),
        pytest.param("a +", "the end", id="ends with an operator"),
        pytest.param("a b", "an operator was expected", id="two ids"),
        pytest.param("(a", "')' was expected", id="open bracket"),
        pytest.param("a)", "is ')'", id="bracket too many"),
        pytest.param("a ^ 2", "'^' is not allowed", id="power"),
        pytest.param("a; b", "';' is not allowed", id="statement"),
        pytest.param("min()", "was expected", id="min of nothing"),
        pytest.param("a * 1e400", "beyond", id="infinite number"),
        pytest.param("scale(a, 0:0)", "two points", id="scale of one point"),
        pytest.param("scale(a, 5:0, 5:1)", "must ascend", id="scale with two values at one place"),
        pytest.param("scale(a, b:0, 5:1)", "a number was expected", id="scale at a KPI"),
        pytest.param("(" * 60 + "a" + ")" * 60, "deeper than", id="too deep"),
        pytest.param("-" * 2000 + "a", "deeper than", id="too many signs"),
    ],
)
def test_refused(text: str, words: str) -> None:
    with pytest.raises(FormulaInvalid) as raised:
        parse_formula(text)
    assert words in str(raised.value)


def test_parts_are_named_once_in_order() -> None:
    assert parts_of(parse_formula("b + a.x / (b - min.x)")) == ("b", "a.x", "min.x")
