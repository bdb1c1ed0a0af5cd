"""`ioc …` in a process of its own, as from a shell."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ioc.cli import main
from ioc.commands import catalog, rules  # noqa: F401  loaded before the fork
from tests.support.preloaded import FORKED


@dataclass(frozen=True)
class Ended:
    returncode: int | None
    stdout: str
    stderr: str


def ioc(folder: Path, *words: str) -> Ended:
    """With `folder` as the data directory and as that of the province's definitions."""
    folder.mkdir(parents=True, exist_ok=True)
    out, err = folder / "command.out", folder / "command.err"
    process = FORKED.Process(target=_run, args=(folder, words, out, err), daemon=True)
    process.start()
    process.join(120)
    return Ended(process.exitcode, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


def _run(folder: Path, words: Sequence[str], out: Path, err: Path) -> None:
    os.environ |= {"IOC_DATA_DIR": str(folder), "IOC_CATALOG_DIR": str(folder)}
    with out.open("w", encoding="utf-8") as sys.stdout, err.open("w", encoding="utf-8") as sys.stderr:
        main(words)
