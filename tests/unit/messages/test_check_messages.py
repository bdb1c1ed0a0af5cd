"""The check of messages finds what it is for, over small sources, and the real ones are sound."""

import ast
import json
from pathlib import Path

import pytest

from tools.check_messages import check_source, main, read_tables, table_faults, unused

TEXTS = {"no_rule": "There is no rule {rule}.", "no_title": "Enter a title."}
TABLES = {"vi": TEXTS, "en": TEXTS}


def faults_of(source: str) -> list[str]:
    return check_source({"ioc/a.py": ast.parse(source)}, TABLES).faults


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        pytest.param(
            'raise IocError("There is no rule.")', "ioc/a.py:1: IocError: a message without a code", id="a sentence"
        ),
        pytest.param(
            'raise IocError(f"no rule {rule}")', "IocError: a message without a code", id="a sentence with a value"
        ),
        pytest.param(
            'def f():\n    text = f"no rule {rule}"\n    raise IocError(text)',
            "ioc/a.py:3: IocError: a message without a code",
            id="a sentence in a variable",
        ),
        pytest.param(
            'class Gone(IocError): ...\nclass Worse(Gone): ...\nraise Worse("It is gone.")',
            "ioc/a.py:3: Worse: a message without a code",
            id="a derived error",
        ),
        pytest.param('click.ClickException("It is gone.")', "ClickException: a message without a code", id="click"),
        pytest.param('Problem(404, "It is gone " + what)', "Problem: a message without a code", id="a joined sentence"),
        pytest.param('Message("no_one")', "ioc/a.py:1: no_one: has no text in vi.json and en.json", id="unknown code"),
        pytest.param('Message("no_rule")', "no_rule: is given [], its text has ['rule']", id="a parameter is missing"),
        pytest.param('Message("no_title", by=1)', "no_title: is given ['by'], its text has []", id="one too many"),
        pytest.param('Message("no_title" if a else "no_one")', "no_one: has no text", id="a choice of codes"),
        pytest.param('Finding.of("lab", "no_one")', "no_one: has no text", id="a finding"),
    ],
)
def test_what_is_found(source: str, fault: str) -> None:
    [found] = faults_of(source)
    assert fault in found


@pytest.mark.parametrize(
    "source",
    [
        'raise IocError(Message("no_rule", rule=rule))',
        'Message("no_rule", **params)',
        'raise ValueError("an error of the program")',
        'Problem(404, message, [FieldFault("rule", message)])',
    ],
)
def test_what_is_sound(source: str) -> None:
    assert faults_of(source) == []


def test_a_code_without_a_text_in_a_language(tmp_path: Path) -> None:
    (tmp_path / "vi.json").write_text(json.dumps({"a": {"one": "Một {x}.", "empty": " "}}))
    (tmp_path / "en.json").write_text(json.dumps({"a": {"one": "One {y}.", "two": "Two."}, "b": {"one": "One {y}."}}))
    tables, faults = read_tables(tmp_path)
    found = [*faults, *table_faults(tables, "messages")]
    for expected in (
        "vi.json: empty: has no text.",
        "en.json: one: is in b and in another area.",
        "messages/vi.json: two: is missing here and stands in en.json.",
        "messages/en.json: empty: is missing here and stands in vi.json.",
        "messages: one: vi has ['x'], en has ['y'].",
    ):
        assert any(expected in fault for fault in found), expected


def test_a_code_that_nobody_uses() -> None:
    found = check_source({"ioc/a.py": ast.parse('Message("no_title")')}, TABLES)
    assert list(unused(found, TABLES)) == ["messages: no_rule: is used nowhere."]


def test_the_messages_of_this_tree(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0, capsys.readouterr().out
