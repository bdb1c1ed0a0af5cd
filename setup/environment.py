"""The virtual environment: made by the best Python at hand, filled from a lock with checksums."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from setup.steps import PYTHON, ROOT, VENV, SetupFailed, Step, call

# The tested version first, whatever `python3` means here.
INTERPRETERS = ("python3.11", "python3", "python3.12", "python3.13")
OLDEST = (3, 11)
# As in CPython's own ensurepip, which Debian leaves out of its Python unless python3-venv is installed by root.
PIP = ROOT / "setup" / "pip-26.3-py3-none-any.whl"


def answers(interpreter: str, code: str) -> bool:
    """Whether `interpreter` exists and runs `code` without an error."""
    if shutil.which(interpreter) is None and not Path(interpreter).exists():
        return False
    return subprocess.run([interpreter, "-c", code], capture_output=True, check=False).returncode == 0


def suitable_interpreter() -> str:
    """The first of OLDEST or newer. Raises SetupFailed when there is none."""
    for name in INTERPRETERS:
        if answers(name, f"import sys, venv; assert sys.version_info >= {OLDEST}"):
            return name
    raise SetupFailed("no Python 3.11 or newer was found on PATH; install python3.11")


def make_environment(log: Path) -> None:
    """Keep an environment that works, else make one."""
    if answers(str(PYTHON), f"import sys, pip; assert sys.version_info >= {OLDEST}"):
        return
    make = [suitable_interpreter(), "-m", "venv", "--clear", "--without-pip", str(VENV)]
    call(make, log, failure="the virtual environment could not be made")
    into_itself = [str(PYTHON), f"{PIP}/pip", "install", "--no-index", str(PIP)]
    call(into_itself, log, failure="pip could not be put into the virtual environment")


ENVIRONMENT = Step(
    name="environment",
    title="Python environment",
    run=make_environment,
    inputs=(),
    outputs=(PYTHON,),
)


def install(lock: str) -> Step:
    """Everything in `requirements/<lock>.txt`, exactly; and the project itself, so that `ioc` is a command."""
    file = ROOT / "requirements" / f"{lock}.txt"

    def run(log: Path) -> None:
        pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]
        # The lock is whole, so pip need not resolve; it reuses what is there.
        call([*pip, "--no-deps", "--require-hashes", "-r", str(file)], log, failure=f"{file.name} was not installed")
        call(
            [*pip, "--no-deps", "--no-build-isolation", "--no-index", "--editable", str(ROOT)],
            log,
            failure="the project itself was not installed",
        )

    return Step(
        name=f"packages-{lock}",
        title="Python packages, a Java runtime and Node",
        run=run,
        inputs=(file, ROOT / "pyproject.toml"),
        outputs=(VENV / "bin" / "ioc", VENV / "bin" / "node"),
    )
