"""The virtual environment: made by the best Python at hand, filled from a lock with checksums."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from setup.steps import PYTHON, ROOT, VENV, SetupFailed, Step, call

# The tested version first, whatever `python3` means here.
INTERPRETERS = ("python3.11", "python3", "python3.12", "python3.13")
OLDEST = (3, 11)


def answers(interpreter: str, code: str) -> bool:
    """Whether `interpreter` exists and runs `code` without an error."""
    if shutil.which(interpreter) is None and not Path(interpreter).exists():
        return False
    return subprocess.run([interpreter, "-c", code], capture_output=True, check=False).returncode == 0


def suitable_interpreters() -> list[str]:
    """Those of OLDEST or newer. Raises SetupFailed when there is none."""
    found = [name for name in INTERPRETERS if answers(name, f"import sys; assert sys.version_info >= {OLDEST}")]
    if not found:
        raise SetupFailed("no Python 3.11 or newer was found on PATH; install python3.11")
    return found


def make_environment(log: Path) -> None:
    """Keep an environment that works; else make one, also where Debian's python3-venv is not installed."""
    if answers(str(PYTHON), "import sys, pip; assert sys.version_info >= (3, 11)"):
        return
    found = suitable_interpreters()
    for interpreter in found:
        if answers(interpreter, "import ensurepip, venv"):
            command = [interpreter, "-m", "venv", "--clear", str(VENV)]
            call(command, log, failure="the virtual environment could not be made")
            return
    for interpreter in found:
        if answers(interpreter, "import pip, venv; assert int(pip.__version__.split('.')[0]) >= 23"):
            call(
                [interpreter, "-m", "venv", "--clear", "--without-pip", str(VENV)],
                log,
                failure="the virtual environment could not be made",
            )
            call(
                [interpreter, "-m", "pip", "--python", str(PYTHON), "install", "pip"],
                log,
                failure="pip could not be put into the virtual environment",
            )
            return
    raise SetupFailed(f"{found[0]} can neither make an environment with pip nor has pip itself; install python3-venv")


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
