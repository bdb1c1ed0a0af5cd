"""Check that every message that a user sees has a code, and each code a text in every language.

    python -m tools.check_messages

Prints one line per fault (file, line, code) and ends with 1 when there is any. What it holds the source to:

- The tables of the languages have the same codes, and each pair of texts the same placeholders.
- `Message("code", name=…)` names a code of the tables with exactly its placeholders.
- An error or fault for users (`IocError` and what is derived from it, `USER_FACING`) is made with a Message, not with a
  sentence; so is what a command prints.
- Every code of the tables is used.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter

ROOT = Path(__file__).parents[1]
PACKAGES = ("ioc", "streams", "connectors")
TABLES = ROOT / "ioc" / "messages"
LANGUAGES = ("vi", "en")

USER_FACING = {
    "AddressRefused", "AlertUnfit", "BadParameter", "ClickException", "ConditionInvalid", "DefinitionFault", "Fault",
    "FieldFault",
    "FormulaInvalid", "IocError", "MatcherInvalid", "MessageUnfit", "NotInViews", "NotReplayable", "Problem",
    "ProtocolFault", "Refusal", "Rejection", "SeriesInvalid", "TemplateInvalid", "UsageError", "echo", "fault",
    "invalid_field", "invalid", "unauthorized", "malformed", "_unfit", "_unavailable", "_endless", "_abandon",
}  # fmt: skip
"""Names of calls that make what a user reads; classes derived from one of these count too."""
CODE_AT = {"Message": 0, "SettingInvalid": 0, "NotAllowed": 0, "Fault.of": 0, "Finding.of": 1, "report": 1}
"""Calls that take a code and its parameters, with the position of the code."""
ADDED = {"NotAllowed": {"setting"}, "Fault.of": {"since"}}
"""Placeholders that the callee fills in, or arguments that are none."""
TO_COME: tuple[str, ...] = ("ioc/lab/quack",)
"""Where sentences still stand in the source."""

Tables = Mapping[str, Mapping[str, str]]
"""Language → code → text."""


@dataclass
class Found:
    """What the source says: faults as printed lines, and every text that may be a code."""

    faults: list[str] = field(default_factory=list)
    constants: set[str] = field(default_factory=set)
    prefixes: set[str] = field(default_factory=set)


def read_tables(folder: Path) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Return the texts by language and code, and what is wrong with the files themselves."""
    tables: dict[str, dict[str, str]] = {}
    faults = []
    for language in LANGUAGES:
        texts: dict[str, str] = {}
        file = f"{folder.name}/{language}.json"
        areas: dict[str, dict[str, str]] = json.loads((folder / f"{language}.json").read_text(encoding="utf-8"))
        for area, group in areas.items():
            for code, text in group.items():
                if code in texts:
                    faults.append(f"{file}: {code}: is in {area} and in another area.")
                if not text.strip():
                    faults.append(f"{file}: {code}: has no text.")
                texts[code] = text
        tables[language] = texts
    return tables, faults


def placeholders(text: str) -> dict[str, str]:
    """Return the format of each placeholder by its name. Raises ValueError for a text that cannot be filled in."""
    return {name: form or "" for _, name, form, _ in Formatter().parse(text) if name is not None}


def table_faults(tables: Tables, folder: str = "messages") -> Iterator[str]:
    """Yield codes that a language lacks, and texts whose placeholders differ."""
    for language in LANGUAGES:
        for other in LANGUAGES:
            for code in tables[other]:
                if code not in tables[language]:
                    yield f"{folder}/{language}.json: {code}: is missing here and stands in {other}.json."
    for code in tables["vi"].keys() & tables["en"].keys():
        try:
            vi, en = (placeholders(tables[language][code]) for language in LANGUAGES)
        except ValueError as fault:
            yield f"{folder}: {code}: cannot be filled in: {fault}."
            continue
        if vi.keys() != en.keys():
            yield f"{folder}: {code}: vi has {sorted(vi)}, en has {sorted(en)}."
        for form in {*vi.values(), *en.values()}:
            if form.endswith("*") and not any(known.startswith(form[:-1]) for known in tables["en"]):
                yield f"{folder}: {code}: no code begins with {form[:-1]}."


def derived(sources: Mapping[str, ast.Module]) -> set[str]:
    """Return USER_FACING and the names of all classes derived from one of them."""
    names = set(USER_FACING)
    classes = [node for tree in sources.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    while more := {
        node.name for node in classes if any(_last(base) in names for base in node.bases) and node.name not in names
    }:
        names |= more
    return names


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _callee(node: ast.Call) -> str:
    """`Fault.of` for a call of a class's method, else the last name."""
    if isinstance(node.func, ast.Attribute):
        whole = f"{_last(node.func.value)}.{node.func.attr}"
        return whole if whole in CODE_AT else node.func.attr
    return _last(node.func)


def _is_sentence(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and len(node.value.split()) > 2
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.Constant) and " " in str(part.value).strip() for part in node.values)
    if isinstance(node, ast.BinOp):
        return _is_sentence(node.left) or _is_sentence(node.right)
    return isinstance(node, ast.IfExp) and (_is_sentence(node.body) or _is_sentence(node.orelse))


def check_source(sources: Mapping[str, ast.Module], tables: Tables, to_come: Sequence[str] = ()) -> Found:
    """Check every call of every file, by its path."""
    found, names = Found(), derived(sources)
    for path, tree in sources.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.constants.add(node.value)
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                found.prefixes.add(str(node.values[0].value))
        if path.startswith("ioc/messages/"):
            continue
        for function in (tree, *(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))):
            _check_function(path, function, names, tables, found, is_converted=not path.startswith(tuple(to_come)))
    return found


def _check_function(
    path: str, function: ast.AST, names: set[str], tables: Tables, found: Found, *, is_converted: bool
) -> None:
    nodes = list(_own_nodes(function))
    written = {
        target.id
        for node in nodes
        if isinstance(node, ast.Assign) and _is_sentence(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        callee = _callee(node)
        if callee in CODE_AT:
            found.faults += (f"{path}:{node.lineno}: {fault}" for fault in _coded_call(callee, node, tables))
        elif callee in names and is_converted:
            arguments = [*node.args, *(key.value for key in node.keywords)]
            if any(_is_sentence(each) or (isinstance(each, ast.Name) and each.id in written) for each in arguments):
                found.faults.append(f"{path}:{node.lineno}: {callee}: a message without a code; give a Message.")


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function (or module) without those of functions inside."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from _own_nodes(child)


def _coded_call(callee: str, node: ast.Call, tables: Tables) -> Iterator[str]:
    position = CODE_AT[callee]
    if len(node.args) <= position:
        return
    given = node.args[position]
    branches = [given.body, given.orelse] if isinstance(given, ast.IfExp) else [given]
    for branch in branches:
        if not isinstance(branch, ast.Constant):
            continue
        code = str(branch.value)
        if code not in tables["en"] or code not in tables["vi"]:
            missing = " and ".join(f"{language}.json" for language in LANGUAGES if code not in tables[language])
            yield f"{code}: has no text in {missing}."
        elif all(key.arg for key in node.keywords):
            filled = {key.arg for key in node.keywords} | ADDED.get(callee, set())
            wanted = placeholders(tables["en"][code]).keys()
            if (filled - {"since"} if callee == "Fault.of" else filled) != wanted:
                yield f"{code}: is given {sorted(filter(None, filled))}, its text has {sorted(wanted)}."


def unused(found: Found, tables: Tables) -> Iterator[str]:
    """Yield codes that the source never names, neither whole nor by their beginning, nor another text as a format."""
    forms = {form or "" for text in tables["en"].values() for _, _, form, _ in Formatter().parse(text)}
    prefixes = {prefix for prefix in found.prefixes if prefix.endswith("_")} | {
        form[:-1] for form in forms if "*" in form
    }
    for code in tables["en"]:
        if code not in found.constants and code not in forms and not code.startswith(tuple(prefixes)):
            yield f"messages: {code}: is used nowhere."


def main() -> int:
    tables, faults = read_tables(TABLES)
    paths = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    sources = {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in paths}
    faults += table_faults(tables)
    found = check_source(sources, tables, TO_COME)
    faults += found.faults
    faults += unused(found, tables)
    print("\n".join(faults) or f"{len(tables['en'])} messages in {' and '.join(LANGUAGES)}.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
