"""What the centre refuses the console can say in Vietnamese: each code of a fault, each sentence of a refused act."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

from ioc.model.pattern import SENTENCES as PATTERN_SENTENCES

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


def written_code(call: ast.Call, position: int = 2) -> str:
    given = call.args[position] if len(call.args) > position else None
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else ""


def codes() -> set[str]:
    files = [ROOT / "ioc" / "catalog" / f"{name}.py" for name in DEFINITIONS]
    faults = [written_code(call) for path in files for name, call in calls(path) if name == "fault"]
    acts = [written_code(call) for path in ACTS for name, call in calls(path) if name == "ActRefused"]
    matcher = ROOT / "ioc" / "model" / "matcher.py"
    matchers = [written_code(call, 1) for name, call in calls(matcher) if name == "MatcherInvalid"]
    return {*faults, *acts, *matchers, *PATTERN_SENTENCES} - {""}


def sentences() -> set[str]:
    return {
        sentence
        for path in ACTS
        for name, call in calls(path)
        if name == "ActRefused" and len(call.args) > 1 and not written_code(call)
        if (sentence := template(call.args[1])) is not None
    }


def test_each_code_has_vietnamese_words() -> None:
    found = codes()
    assert len(found) > 40
    assert {code for code in found if not WORDS["codes"].get(code)} == set()


def test_each_sentence_has_vietnamese_words_with_all_that_is_filled_in() -> None:
    found = sentences()
    assert len(found) > 25
    assert {sentence for sentence in found if not WORDS["sentences"].get(sentence)} == set()
    filled_beyond = {
        sentence
        for sentence in found
        for number in range(sentence.count("{}"), 9)
        if f"{{{number}}}" in WORDS["sentences"][sentence]
    }
    assert filled_beyond == set()
