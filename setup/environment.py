"""Make the virtual environment with the best Python found, and install packages from a lock with checksums."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from setup.steps import BUILD, ROOT, VENV, SetupFailed, Step, call

# The tested version first, whatever `python3` means here.
INTERPRETERS = ("python3.11", "python3", "python3.12", "python3.13")
OLDEST = (3, 11)
OURS = ("ioc", "streams", "connectors")
# The engines that `make bench` compares with are kept apart: they need versions that the centre cannot use.
PEERS_VENV = BUILD / "peers"


def answers(interpreter: str, code: str) -> bool:
    """Whether `interpreter` exists and runs `code` without an error."""
    if shutil.which(interpreter) is None and not Path(interpreter).exists():
        return False
    return subprocess.run([interpreter, "-c", code], capture_output=True, check=False).returncode == 0


def suitable_interpreter() -> str:
    """Return the first of OLDEST or newer that can make an environment with pip. Raises SetupFailed."""
    recent = [name for name in INTERPRETERS if answers(name, f"import sys; assert sys.version_info >= {OLDEST}")]
    for name in recent:
        if answers(name, "import ensurepip, venv"):  # Debian leaves ensurepip to the package python3-venv
            return name
    if recent:
        raise SetupFailed(f"{recent[0]} has no ensurepip; install Debian's package python3-venv")
    raise SetupFailed("no Python 3.11 or newer was found on PATH; install python3.11 and python3-venv")


def environment(venv: Path) -> Step:
    """Return the step that makes an environment; one that works is kept."""
    python = venv / "bin" / "python"

    def make(log: Path) -> None:
        if answers(str(python), f"import sys, pip; assert sys.version_info >= {OLDEST}"):
            return
        command = [suitable_interpreter(), "-m", "venv", "--clear", str(venv)]
        call(command, log, failure="the virtual environment could not be made")

    return Step(
        name="environment" if venv == VENV else f"environment-{venv.name}",
        title="Python environment",
        run=make,
        inputs=(),
        outputs=(python,),
    )


def fill(venv: Path, lock: str, log: Path) -> None:
    """Install exactly what `requirements/<lock>.txt` lists. Raises SetupFailed.

    The lock is complete, so pip need not resolve; it keeps what is installed already.
    """
    file = ROOT / "requirements" / f"{lock}.txt"
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-deps"]
    call([*pip, "--require-hashes", "-r", str(file)], log, failure=f"{file.name} was not installed")


def install(lock: str) -> Step:
    """Return the step that installs `requirements/<lock>.txt` and the project itself, so that `ioc` is a command."""

    def run(log: Path) -> None:
        fill(VENV, lock, log)
        itself = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-deps"]
        itself += ["--no-build-isolation", "--no-index", "--editable", str(ROOT)]
        call(itself, log, failure="the project itself was not installed")

    return Step(
        name=f"packages-{lock}",
        title="Python packages, a Java runtime and Node",
        run=run,
        inputs=(ROOT / "requirements" / f"{lock}.txt", ROOT / "pyproject.toml"),
        outputs=(VENV / "bin" / "ioc", VENV / "bin" / "node"),
    )


# Saves a second of each start where Python may not write compiled files itself.
COMPILED = Step(
    name="compiled",
    title="Compiled files",
    run=lambda log: call(
        [str(VENV / "bin" / "python"), "-m", "compileall", "-q", *OURS], log, failure="the project was not compiled"
    ),
    inputs=tuple(ROOT / package for package in OURS),
    outputs=(),
    leave_out=frozenset({"static", "__pycache__"}),
)

PEERS = Step(
    name="packages-peers",
    title="Engines to compare with",
    run=lambda log: fill(PEERS_VENV, "peers", log),
    inputs=(ROOT / "requirements" / "peers.txt",),
    outputs=(PEERS_VENV / "bin" / "python",),
)
