"""The check of documented examples finds what is wrong; docs/api.md covers the tasks that it promises."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.documented_examples import Example, check, differences, examples

PAGE = Path(__file__).parents[3] / "docs" / "api.md"
SHOWN = Example(
    "", 1, "sh", "", "json", 200, '{"balanced": true, "at": "10:00", "n": 1, "rows": [{"id": "a"}], "none": []}'
)
SOUND = '{"balanced": true, "at": "11:30", "n": 2.5, "rows": [{"id": "b"}, {"id": "a", "x": 1}], "none": [], "more": 1}'


def test_a_longer_answer_agrees() -> None:
    assert differences(SHOWN, 200, SOUND) == []


@pytest.mark.parametrize(
    ("status", "output", "fault"),
    [
        pytest.param(503, SOUND, "status 503, not 200", id="another status"),
        pytest.param(200, SOUND.replace("balanced", "balance"), "$.balanced is missing", id="a field is gone"),
        pytest.param(200, SOUND.replace("true", "false"), "$.balanced is False, not True", id="another truth"),
        pytest.param(200, SOUND.replace('"11:30"', "null"), "$.at is None, not '10:00'", id="another type"),
        pytest.param(200, SOUND.replace('"a"', '"c"'), "$.rows[0].id is 'b', not 'a'", id="no such element"),
        pytest.param(200, SOUND.replace("[]", "[1]"), "$.none is not empty: [1]", id="a list that should be empty"),
        pytest.param(200, "<html>", "not JSON: <html>", id="not JSON"),
    ],
)
def test_a_difference_is_named(status: int, output: str, fault: str) -> None:
    assert differences(SHOWN, status, output) == [fault]


@pytest.mark.parametrize(
    ("code", "agrees"),
    [('echo "id,n"; echo more', True), ("echo id", False), ('echo "id,n"; exit 3', False)],
    ids=["first lines", "other lines", "a block that fails"],
)
def test_text_and_exit_code_count(code: str, agrees: bool, tmp_path: Path) -> None:
    shown = replace(SHOWN, code=code, answer_language="csv", answer="id,n\n", status=0)
    assert (check(shown, {"PATH": os.environ["PATH"]}, tmp_path, patience_s=0) == []) is agrees


def test_a_block_without_an_answer_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```sh\ncurl a\n```\n\n```sh\ncurl b\n```\n\n```json 200\n{}\n```\n")
    with pytest.raises(AssertionError, match=r"page.md:1 shows no answer"):
        list(examples(page))


def test_the_page_names_a_status_for_each_request() -> None:
    requests = [example for example in examples(PAGE) if "curl" in example.code]
    assert len(requests) > 20
    assert {example.section for example in requests} >= {"KPIs", "Data in", "Alerts", "Analysis", "Operation"}
    assert [example.line for example in requests if not example.status] == []
