"""Typeset PDFs with Typst in a process with limits of time and memory, in Inter from the package fontpkg-inter.

As a program it reads `{"issue": …, "one_page": bool}` from standard input and writes the PDF to standard output.
"""

import re
import resource
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from ioc.errors import IocError
from ioc.messages import Message

LONGEST_S = 60
MEMORY_BYTES = 1 << 30
SIZE_PT = 9.0
SIZES_PT = (11.0, 10.5, 10.0, 9.5, 9.0, 8.5, 8.0, 7.5, 7.0)
"""Font sizes; a one-page report takes the largest that fits."""


class TypesettingFailed(IocError):
    """The PDF could not be made; the text says why."""


def pdf(issue: dict[str, Any], *, one_page: bool, longest_s: float = LONGEST_S) -> bytes:
    """Return the PDF of an issue given as by `printed`.

    Raises TypesettingFailed.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ioc.reports.pdf"],
            input=orjson.dumps({"issue": issue, "one_page": one_page}),
            capture_output=True,
            timeout=longest_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TypesettingFailed(Message("pdf_too_slow", seconds=longest_s)) from None
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise TypesettingFailed(Message("pdf_failed", reason=why[0]))
    return done.stdout


def _typeset(issue: dict[str, Any], *, one_page: bool) -> bytes:
    import typst

    package = Path(str(files("ioc.reports")))
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[_font_folder()])
    for size in SIZES_PT if one_page else (SIZE_PT,):
        inputs = {"issue": orjson.dumps(issue).decode(), "size": str(size)}
        compiler = typst.Compiler(root=str(package), font_paths=fonts, sys_inputs=inputs)
        made = compiler.compile(input=str(package / "report.typ"), format="pdf")
        assert isinstance(made, bytes)
        if not one_page or pages_of(made) == 1:
            return made
    raise TypesettingFailed(Message("pdf_too_long", size=SIZES_PT[-1]))


def _font_folder() -> Path:
    """Return the folder of the font's files. Raises TypesettingFailed when they are not installed."""
    try:
        folder = Path(str(files("fontpkg_inter"))) / "files"
    except ModuleNotFoundError:
        folder = None
    # Without a font Typst leaves the text out and says nothing.
    if folder is None or not any(folder.glob("*.ttf")):
        raise TypesettingFailed(Message("pdf_no_font"))
    return folder


def pages_of(made: bytes) -> int:
    """Return the number of pages of a PDF made by Typst."""
    return len(re.findall(rb"/Type\s*/Page\b", made))


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    asked = orjson.loads(sys.stdin.buffer.read())
    try:
        made = _typeset(asked["issue"], one_page=asked["one_page"])
    except Exception as fault:  # noqa: BLE001 - one line says what it was
        sys.stderr.write(" ".join(str(fault).split()) + "\n")
        sys.exit(1)
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    main()
