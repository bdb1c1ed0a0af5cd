"""Write all lock files again, with the newest versions that pyproject.toml and package.json allow (`make lock`)."""

from __future__ import annotations

import subprocess

from setup.chromium import RECIPE
from setup.pages import UI
from setup.steps import ROOT, VENV

UV = [str(VENV / "bin/uv"), "pip", "compile", "--quiet", "--upgrade", "--universal", "--python-version", "3.11"]
UV += ["--generate-hashes", "--no-header"]

# Each lock keeps the versions of the one before, so that `make test` after `make up` only adds.
PYTHON_LOCKS: dict[str, list[str]] = {
    "run": ["pyproject.toml"],
    "up": ["pyproject.toml", "--extra", "setup", "--constraint", "requirements/run.txt"],
    "test": ["pyproject.toml", "--extra", "setup", "--extra", "dev", "--constraint", "requirements/up.txt"],
    "peers": ["--group", "peers"],
}


def main() -> None:
    """Write all lock files."""
    for name, extras in PYTHON_LOCKS.items():
        lock = ROOT / "requirements" / f"{name}.txt"
        subprocess.run([*UV, *extras, "--output-file", str(lock)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([str(VENV / "bin/python"), "-m", "setup.fetch_jars", "--lock"], cwd=ROOT, check=True)
    for folder in (UI, RECIPE):
        subprocess.run(["npm", "update", "--package-lock-only", "--ignore-scripts"], cwd=folder, check=True)


if __name__ == "__main__":
    main()
