"""Perform steps of the set-up. A step is skipped while its inputs are unchanged and its outputs are there."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILD = ROOT / ".build"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"

_SHOWN_LINES = 15


class SetupFailed(Exception):
    """The set-up cannot continue; the text is one sentence for the person at the terminal, then the tool's output."""


@dataclass(frozen=True)
class Step:
    """One step: `run` gets the step's log file, `inputs` are files and folders, `outputs` must exist afterwards."""

    name: str
    title: str
    run: Callable[[Path], None]
    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    leave_out: frozenset[str] = field(default=frozenset({"node_modules", "__pycache__"}))

    @property
    def stamp(self) -> Path:
        """The file with the fingerprint of the inputs for which the step is done."""
        return BUILD / "stamps" / self.name


def files_of(inputs: Iterable[Path], leave_out: frozenset[str]) -> list[Path]:
    """Return all files of `inputs`, sorted, without folders named in `leave_out` and without missing ones."""
    files: list[Path] = []
    for path in inputs:
        if path.is_file():
            files.append(path)
        for folder, folders, names in os.walk(path):
            folders[:] = [name for name in folders if name not in leave_out]
            files += [Path(folder, name) for name in names]
    return sorted(files)


def fingerprint(step: Step) -> str:
    """Return a text that changes when a file of the inputs changes, comes or goes, and when the checkout moves."""
    digest = hashlib.sha256(str(ROOT).encode())
    for file in files_of(step.inputs, step.leave_out):
        digest.update(f"\n{file.relative_to(ROOT)} ".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def is_done(step: Step) -> bool:
    """Whether the step is done for its present inputs."""
    return (
        step.stamp.exists()
        and all(output.exists() for output in step.outputs)
        and step.stamp.read_text() == fingerprint(step)
    )


def show(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")  # text and line end in one write: lanes run side by side
    sys.stdout.flush()


def perform(steps: Iterable[Step]) -> None:
    """Run the steps that are not done, in order, with a line for each. Raises SetupFailed."""
    for step in steps:
        if is_done(step):
            continue
        show(f"  {step.title} …")
        begun = time.monotonic()
        before = fingerprint(step)
        log = BUILD / "log" / f"{step.name}.log"
        for folder in (log.parent, step.stamp.parent):
            folder.mkdir(parents=True, exist_ok=True)
        log.write_bytes(b"")
        step.run(log)
        step.stamp.write_text(before)
        show(f"  {step.title}: done in {time.monotonic() - begun:.0f} s")


def perform_side_by_side(lanes: list[list[Step]]) -> None:
    """Run each lane in order and the lanes at once. Raises the first failure of a lane, such as SetupFailed."""
    failures: list[BaseException] = []

    def run(lane: list[Step]) -> None:
        try:
            perform(lane)
        except Exception as failure:  # noqa: BLE001  raised again below, in the thread that waits
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(lane,)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def call(command: list[str], log: Path, *, failure: str, cwd: Path = ROOT) -> None:
    """Run a tool with its output in `log`; the environment's own programs come first.

    Raises SetupFailed with `failure` and the tool's last lines.
    """
    environment = {**os.environ, "PATH": f"{VENV / 'bin'}:{os.environ.get('PATH', '')}"}
    with log.open("ab") as output:
        try:
            code = subprocess.call(command, cwd=cwd, env=environment, stdout=output, stderr=subprocess.STDOUT)
        except OSError as error:
            output.write(f"{error}\n".encode())
            code = 1
    if code != 0:
        shown = log.read_text(errors="replace").splitlines()[-_SHOWN_LINES:]
        raise SetupFailed(
            "\n".join([f"{failure} (all of it in {log.relative_to(ROOT)}):", *(f"    {t}" for t in shown)])
        )


def fail(failure: SetupFailed) -> None:
    """Print the failure and exit with code 1."""
    print(f"Set-up stopped: {failure}", file=sys.stderr)
    sys.exit(1)
