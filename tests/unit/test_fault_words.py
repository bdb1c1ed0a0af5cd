"""What the centre refuses the console can say in Vietnamese: each code of a fault, each sentence of a refused act."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORDS = json.loads((ROOT / "ui" / "src" / "texts" / "faults.vi.json").read_text(encoding="utf-8"))
DEFINITIONS = ("rules", "rule_conditions", "routing", "schedules", "rows")
ACTS = sorted([*(ROOT / "ioc" / "alerts").glob("*.py"), *(ROOT / "ioc" / "desk").glob("*.py")])
ACTS += [ROOT / "ioc" / "api" / f"{name}.py" for name in ("incidents", "rules", "routing", "silences", "alerts")]


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Each call in a file with the name of what is called."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, node


def template(message: ast.expr) -> str | None:
    """A sentence with {} for what is filled in; None when it is not written where it is raised."""
    if isinstance(message, ast.Constant) and isinstance(message.value, str):
        return message.value
    if isinstance(message, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in message.values)
    return None


def written_code(call: ast.Call) -> str:
    given = call.args[2] if len(call.args) > 2 else None
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else ""


def codes() -> list[str]:
    files = [ROOT / "ioc" / "catalog" / f"{name}.py" for name in DEFINITIONS]
    faults = [written_code(call) for path in files for name, call in calls(path) if name == "fault"]
    acts = [written_code(call) for path in ACTS for name, call in calls(path) if name == "ActRefused"]
    return sorted({*faults, *acts} - {""})


def sentences() -> list[str]:
    found = {
        sentence
        for path in ACTS
        for name, call in calls(path)
        if name == "ActRefused" and len(call.args) > 1 and not written_code(call)
        if (sentence := template(call.args[1])) is not None
    }
    return sorted(found)


def test_there_are_codes_and_sentences() -> None:
    assert len(codes()) > 40
    assert len(sentences()) > 25


@pytest.mark.parametrize("code", codes())
def test_a_code_has_vietnamese_words(code: str) -> None:
    assert WORDS["codes"].get(code)


@pytest.mark.parametrize("sentence", sentences())
def test_a_sentence_has_vietnamese_words_with_all_that_is_filled_in(sentence: str) -> None:
    said = WORDS["sentences"].get(sentence)
    assert said, f"ui/src/texts/faults.vi.json has no words for {sentence!r}"
    filled = sentence.count("{}")
    assert all(f"{{{n}}}" not in said for n in range(filled, 9))
