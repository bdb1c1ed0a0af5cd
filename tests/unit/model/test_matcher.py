"""Matchers and their patterns."""

import re
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.model.matcher import Matcher, MatcherInvalid, all_accept, parse_matchers
from ioc.model.pattern import PatternInvalid, compile_pattern


@pytest.mark.parametrize(
    ("text", "labels", "holds"),
    [
        pytest.param('severity = "high"', {"severity": "high"}, True, id="equal"),
        pytest.param("severity=high", {"severity": "low"}, False, id="not equal, without quotes"),
        pytest.param('unit =~ "197.*"', {"unit": "19753"}, True, id="pattern"),
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
        pytest.param(["severity"], "is no matcher", id="no sign"),
        pytest.param(["a b = c"], "is no matcher", id="label with a blank"),
        pytest.param(["a =~ (b"], "not closed", id="broken pattern"),
        pytest.param(["a != b"], "name a value that must be there", id="holds for what has no label"),
        pytest.param(["a =~ .*"], "name a value that must be there", id="holds for everything"),
        pytest.param([f"a = {number}" for number in range(21)], "at most 20", id="too many"),
        pytest.param(["a =~ " + "b" * 201], "at most 200", id="pattern too long"),
    ],
)
def test_refused(texts: list[str], words: str) -> None:
    with pytest.raises(MatcherInvalid, match=words):
        parse_matchers(texts)


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "\\d", "\\w"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,2}"])).map(lambda p: f"({p[0]}){p[1]}"),
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}|{pair[1]})"),
    ),
    max_leaves=6,
)


@settings(max_examples=300)
@given(pattern=PATTERNS, text=st.text("ab1", max_size=6))
def test_patterns_are_those_of_everybody(pattern: str, text: str) -> None:
    assert compile_pattern(pattern).matches(text) == (re.fullmatch(pattern, text) is not None)


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|aa)+b", "(a|a)*b", "a{0,50}a{0,50}b", "(.*)*(.*)*x"])
def test_no_pattern_takes_long(pattern: str) -> None:
    """Python's own engine needs years for the first of these."""
    began = process_time()
    assert not compile_pattern(pattern).matches("a" * 1000)
    assert process_time() - began < 5


NO_PATTERNS = ["(", ")", "[", "[]", "*a", "a{3,1}", "a{0}", "a{,3}", "a{1,999}", "\\", "\\b", "(?=a)"]


@pytest.mark.parametrize("pattern", NO_PATTERNS)
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(PatternInvalid):
        compile_pattern(pattern)


def test_nested_repeats_are_bounded() -> None:
    with pytest.raises(PatternInvalid, match="repeats too much"):
        compile_pattern("((((a{100}){100}){100}){100}){100}")
