"""Provide a headless Chromium for the browser tests: an installed one, else the one in npm's @sparticuz/chromium.

Either way the tests start `.build/chromium`.
"""

from __future__ import annotations

import shlex
import shutil
import tarfile
from pathlib import Path

from setup.steps import BUILD, ROOT, Step, call

INSTALLED = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first one is the lightest: it has no window and takes half the processor time."""
STARTER = BUILD / "chromium"
RECIPE = ROOT / "setup" / "browser"
FOLDER = BUILD / "browser"


def write_starter(executable: str, *, environment: dict[str, str]) -> None:
    """Write the script that starts an executable with these variables."""
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
    STARTER.write_text(f'#!/bin/sh\n{exports}exec {shlex.quote(executable)} "$@"\n')
    STARTER.chmod(0o755)


def provide(log: Path) -> None:
    """Find or fetch the browser. Raises SetupFailed."""
    installed = next((path for path in map(shutil.which, INSTALLED) if path), None)
    if installed:
        write_starter(installed, environment={})
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(RECIPE / name, FOLDER)
    npm_ci = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    call(npm_ci, log, cwd=FOLDER, failure="the browser of the tests could not be fetched")
    packed = FOLDER / "node_modules" / "@sparticuz" / "chromium" / "bin"
    unpack = ["node", str(RECIPE / "unpack.mjs"), str(packed), str(FOLDER)]
    call(unpack, log, failure="the browser of the tests could not be unpacked")
    shutil.rmtree(FOLDER / "node_modules")
    for archive in FOLDER.glob("*.tar"):
        with tarfile.open(archive) as members:
            members.extractall(FOLDER, filter="data")
        archive.unlink()
    # The package is built for one fixed folder, which its font settings name.
    fonts = FOLDER / "fonts.conf"
    fonts.write_text(fonts.read_text().replace("/tmp/fonts", str(FOLDER / "fonts")))
    executable = FOLDER / "chromium"
    executable.chmod(0o755)
    libraries = {"LD_LIBRARY_PATH": str(FOLDER / "lib"), "FONTCONFIG_PATH": str(FOLDER)}
    write_starter(str(executable), environment=libraries)


CHROMIUM = Step(
    name="chromium",
    title="Browser of the tests",
    run=provide,
    inputs=(RECIPE,),
    outputs=(STARTER,),
)
