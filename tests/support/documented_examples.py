"""Examples of a Markdown page: run as they stand, their answers compared with those that the page shows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

_RUN = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
_CURL_SETTINGS = 'silent\nwrite-out = "%{stderr}%{http_code}\\n"\n'


@dataclass(frozen=True)
class Example:
    """A block that is run, and the block of its answer: `status` is 0 where the page names none.

    `section` is the heading of the second level above it.
    """

    section: str
    line: int
    language: str
    code: str
    answer_language: str
    status: int
    answer: str


def examples(page: Path) -> Iterator[Example]:
    """Yield each `sh` and `python` block with the block behind it. Fails where a block has no answer."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    section, fences = "", []
    for token, inner in pairwise([*tokens, Token("", "", 0)]):
        if token.type == "heading_open" and token.tag == "h2":
            section = inner.content
        if token.type == "fence":
            fences.append((section, token))
    for (part, block), (_, answer) in pairwise([*fences, ("", None)]):
        if block is not None and block.info in _RUN:
            line = block.map[0] + 1 if block.map else 0
            if answer is None or answer.info in _RUN:
                raise AssertionError(f"{page.name}:{line} shows no answer")
            language, _, status = answer.info.partition(" ")
            yield Example(part, line, block.info, block.content, language, int(status or 0), answer.content)


def run(example: Example, variables: Mapping[str, str], folder: Path) -> tuple[int, str]:
    """Return the HTTP status of the last request by curl (0 without one) and what the block printed."""
    (folder / ".curlrc").write_text(_CURL_SETTINGS)
    done = subprocess.run(
        [*_RUN[example.language], example.code],
        env={**variables, "CURL_HOME": str(folder), "HOME": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    statuses = re.findall(r"^([1-5]\d\d)$", done.stderr, re.MULTILINE)
    output = done.stdout if done.returncode == 0 else f"exit code {done.returncode}: {done.stderr}{done.stdout}"
    return int(statuses[-1]) if statuses else 0, output


def check(example: Example, variables: Mapping[str, str], folder: Path, patience_s: float = 60) -> list[str]:
    """Run a block and return where its answer is not what the page shows.

    A block that only reads, or that was answered with 5xx, is run again until `patience_s` have passed: what was sent a
    moment ago may not be applied yet, and the lab's first snapshot takes a while.
    """
    deadline = time.monotonic() + patience_s
    while True:
        status, output = run(example, variables, folder)
        found = differences(example, status, output)
        changes = status < 500 and re.search(r" -d |-X POST|--data-binary", example.code)
        if not found or changes or time.monotonic() > deadline:
            return found
        time.sleep(1)


def differences(example: Example, status: int, output: str) -> list[str]:
    """Return where an answer is not what the page shows; empty when it agrees."""
    found = [f"status {status}, not {example.status}"] if status != example.status else []
    if example.answer_language == "json":
        try:
            actual = json.loads(output)
        except ValueError:
            return [*found, f"not JSON: {output[:300]}"]
        return found + _in_json(json.loads(example.answer), actual, "$")
    wanted = example.answer.splitlines()
    printed = output.removeprefix("\ufeff").splitlines()[: len(wanted)]
    return found if printed == wanted else [*found, f"printed {printed}, not {wanted}"]


def _in_json(shown: Any, actual: Any, path: str) -> list[str]:
    """Compare a shortened answer: keys and elements that are shown must exist, and an empty list must be empty.

    Texts without a digit or an ellipsis, true, false and null must be equal; of numbers and other texts only the type
    counts.
    """
    if isinstance(shown, dict) and isinstance(actual, dict):
        missing = [f"{path}.{key} is missing" for key in shown if key not in actual]
        same = [key for key in shown if key in actual]
        return missing + [fault for key in same for fault in _in_json(shown[key], actual[key], f"{path}.{key}")]
    if isinstance(shown, list) and isinstance(actual, list):
        found = [] if shown or not actual else [f"{path} is not empty: {str(actual)[:300]}"]
        for position, element in enumerate(shown):
            tries = [_in_json(element, other, f"{path}[{position}]") for other in actual]
            found += min(tries, key=len, default=[f"{path}[{position}] is missing"])  # type: ignore[arg-type]
        return found
    if isinstance(shown, bool) or shown is None or isinstance(actual, bool) or actual is None:
        agrees = shown is actual
    elif isinstance(shown, int | float):
        agrees = isinstance(actual, int | float)
    else:
        is_exact = isinstance(shown, str) and not re.search(r"[\d…]", shown)
        agrees = shown == actual if is_exact else isinstance(actual, type(shown))
    return [] if agrees else [f"{path} is {actual!r}, not {shown!r}"]
