"""Matchers and their patterns."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.messages import Message
from ioc.model.matcher import Matcher, MatcherInvalid, all_accept, parse_matchers
from ioc.model.pattern import PatternInvalid, compile_pattern


@pytest.mark.parametrize(
    ("text", "labels", "holds"),
    [
        pytest.param('severity = "high"', {"severity": "high"}, True, id="equal"),
        pytest.param("severity=high", {"severity": "low"}, False, id="not equal, without quotes"),
        pytest.param('unit =~ "197.*"', {"unit": "19753"}, True, id="pattern"),
        pytest.param('unit =~ "^197.*$"', {"unit": "19753"}, True, id="anchors are allowed"),
        pytest.param('unit =~ "(^19753$|^19747$)"', {"unit": "19747"}, True, id="anchors inside alternatives"),
        pytest.param('unit =~ "19753|19747"', {"unit": "197471"}, False, id="alternatives are anchored, too"),
        pytest.param(r'unit =~ "[\d]{5}"', {"unit": "19753"}, True, id="a class within a set"),
        pytest.param('unit =~ "[[:digit:]]+"', {"unit": "19753"}, True, id="a POSIX class"),
        pytest.param(r'job =~ "[a\-z]+"', {"job": "a-z"}, True, id="an escaped hyphen in a set"),
        pytest.param('job =~ "(?i)NODE.*"', {"job": "node_exporter"}, True, id="without regard to case"),
        pytest.param(r'name =~ "\pL+ [0-9]"', {"name": "Xã 1"}, True, id="letters of any language"),
        pytest.param('unit =~ "97"', {"unit": "19753"}, False, id="a pattern speaks of the whole value"),
        pytest.param('unit !~ "197.*"', {"unit": "19753"}, False, id="not the pattern"),
        pytest.param("owner != An", {}, True, id="absent is not that"),
        pytest.param('owner = ""', {}, True, id="absent is empty"),
    ],
)
def test_accepting(text: str, labels: dict[str, str], holds: bool) -> None:
    matcher = Matcher.parse(text)
    assert all_accept((matcher,), labels) is holds
    assert Matcher.parse(str(matcher)) == matcher


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        pytest.param([], "no matcher", id="none"),
        pytest.param(["severity"], "is not a matcher", id="no sign"),
        pytest.param(["a b = c"], "is not a matcher", id="label with a blank"),
        pytest.param(["a =~ (b"], "not closed", id="broken pattern"),
        pytest.param(["a != b"], "name a value that must be there", id="holds for what has no label"),
        pytest.param(["a =~ .*"], "name a value that must be there", id="holds for everything"),
        pytest.param([f"a = {number}" for number in range(21)], "the limit is 20", id="too many"),
        pytest.param(["a =~ " + "b" * 201], "the limit is 200", id="pattern too long"),
    ],
)
def test_refused(texts: list[str], words: str) -> None:
    with pytest.raises(MatcherInvalid, match=words):
        parse_matchers(texts)


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "\\d", "[\\d]", "^", "$", "[a\\-c]"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,2}"])).map(lambda p: f"({p[0]}){p[1]}"),
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}|{pair[1]})"),
    ),
    max_leaves=6,
)


@settings(max_examples=200)
@given(pattern=PATTERNS, text=st.text("ab1-", max_size=6))
def test_patterns_match_as_python_matches_them(pattern: str, text: str) -> None:
    assert compile_pattern(pattern).matches(text) == (re.fullmatch(pattern, text) is not None)


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|aa)+b", "(a|a)*b", "a{0,50}a{0,50}b", "(.*)*(.*)*x"])
def test_no_pattern_takes_long(pattern: str) -> None:
    """Python's own engine needs years for the first of these: the test ends or it hangs."""
    assert not compile_pattern(pattern).matches("a" * 1000)


@pytest.mark.parametrize(
    ("pattern", "code", "place"),
    [
        pytest.param("Xã (1", "pattern_unclosed_bracket", 4, id="an open bracket, counted in characters"),
        pytest.param("(a)(b", "pattern_unclosed_bracket", 4, id="the bracket that is open, not the first one"),
        pytest.param("x[(](b", "pattern_unclosed_bracket", 5, id="not the bracket in a set"),
        pytest.param("(a))b", "pattern_stray_bracket", 4, id="one bracket too many"),
        pytest.param("ab[", "pattern_unclosed_set", 3, id="an open set"),
        pytest.param("a*|*", "pattern_repeats_nothing", 4, id="the star that repeats nothing"),
        pytest.param("a{3,1}", "pattern_repeat", 2, id="a count that runs backwards"),
        pytest.param("a{1,1001}", "pattern_repeat", 2, id="a count that is too high"),
        pytest.param("Đ[d-a]", "pattern_range", 3, id="a range that runs backwards"),
        pytest.param("[[:foo:]]", "pattern_range", 2, id="an unknown class"),
        pytest.param("ab\\", "pattern_escape", 3, id="a backslash at the end"),
        pytest.param("é\\1", "pattern_escape", 2, id="a back reference"),
        pytest.param("x(?=y)", "pattern_part", 2, id="a look-ahead"),
        pytest.param("((((a{100}){100}){100}){100}){100}", "pattern_too_large", None, id="nested repetitions"),
        pytest.param("a" * 201, "pattern_too_long", None, id="a long pattern"),
    ],
)
def test_the_place_of_a_fault_in_a_pattern(pattern: str, code: str, place: int | None) -> None:
    with pytest.raises(PatternInvalid) as invalid:
        compile_pattern(pattern)
    assert (invalid.value.code, invalid.value.params.get("place")) == (code, place)
    message = Message(code, label="unit", **invalid.value.params)
    assert place is None or f"character {place}" in message


@settings(max_examples=200)
@given(text=st.text("ab([{)}]^$*+?|\\.-1,:Đ", max_size=12))
def test_any_text_is_a_pattern_or_a_fault_with_a_place_in_it(text: str) -> None:
    place = 1
    try:
        compile_pattern(text)
    except PatternInvalid as invalid:
        place = invalid.params.get("place", 1)
    assert 1 <= place <= max(len(text), 1)
