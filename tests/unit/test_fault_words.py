"""What the centre refuses the console can say in Vietnamese: each code of a fault, a refused act, a failed message."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from ioc.api.auth.middleware import REFUSAL_CODES
from ioc.model.pattern import SENTENCES as PATTERN_SENTENCES

ROOT = Path(__file__).parents[2]
WORDS = json.loads((ROOT / "ui" / "src" / "texts" / "faults.vi.json").read_text(encoding="utf-8"))
DEFINITIONS = ("rules", "rule_conditions", "routing", "schedules", "toml_table")
ACTS = sorted([*(ROOT / "ioc" / "alerts").glob("*.py"), *(ROOT / "ioc" / "alert_service").glob("*.py")])
API = sorted((ROOT / "ioc" / "api").glob("**/*.py"))
SENDING = [ROOT / "ioc" / "server" / f"{name}.py" for name in ("channel_sender", "outbox", "report_sender")]

TRIES = ("NotDelivered", "Undeliverable")


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Each call in a file with the name of what is called."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, node


def written_code(call: ast.Call, position: int = 2) -> str:
    given = call.args[position] if len(call.args) > position else None
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else ""


def codes() -> set[str]:
    files = [ROOT / "ioc" / "catalog" / f"{name}.py" for name in DEFINITIONS]
    faults = [written_code(call) for path in files for name, call in calls(path) if name == "fault"]
    acts = [written_code(call) for path in [*ACTS, *API] for name, call in calls(path) if name == "ActRefused"]
    acts += [
        written_code(call) for path in API for name, call in calls(path) if name in ("FieldFault", "invalid_field")
    ]
    acts += [written_code(call, 1) for path in SENDING for name, call in calls(path) if name in TRIES]
    matcher = ROOT / "ioc" / "model" / "matcher.py"
    matchers = [written_code(call, 1) for name, call in calls(matcher) if name == "MatcherInvalid"]
    return {*faults, *acts, *matchers, *PATTERN_SENTENCES, *REFUSAL_CODES.values()} - {""}


def test_each_code_has_vietnamese_words() -> None:
    found = codes()
    assert len(found) > 40
    assert {code for code in found if not WORDS["codes"].get(code)} == set()


def test_each_refusal_has_a_code() -> None:
    refusals = [(path.name, call) for path in [*ACTS, *API] for name, call in calls(path) if name == "ActRefused"]
    assert len(refusals) > 40
    assert [(path, call.lineno) for path, call in refusals if not written_code(call)] == []


def test_vietnamese_words_fill_in_only_what_the_code_gives() -> None:
    """Each {name} in the words of a refusal is a keyword where it is raised."""
    given: dict[str, set[str]] = {}
    for path in ACTS:
        for name, call in calls(path):
            if name == "ActRefused":
                given.setdefault(written_code(call), set()).update(key.arg or "*" for key in call.keywords)
    wrong = {
        code: set(re.findall(r"\{(\w+)\}", WORDS["codes"][code])) - names
        for code, names in given.items()
        if "*" not in names
    }
    assert {code: names for code, names in wrong.items() if names} == {}
