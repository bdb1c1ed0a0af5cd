"""Build the pages: install npm's packages, then build into `ioc/api/static/`."""

from __future__ import annotations

from pathlib import Path

from setup.steps import ROOT, Step, call

UI = ROOT / "ui"


def npm_packages(log: Path) -> None:
    """Install the packages. Raises SetupFailed."""
    command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    call(command, log, cwd=UI, failure="the pages' npm packages were not installed")


def build(log: Path) -> None:
    """Build the pages. Raises SetupFailed."""
    call(["npm", "run", "build", "--loglevel=error"], log, cwd=UI, failure="the pages could not be built")


NPM_PACKAGES = Step(
    name="ui-packages",
    title="Packages of the pages",
    run=npm_packages,
    inputs=(UI / "package.json", UI / "package-lock.json"),
    outputs=(UI / "node_modules",),
)

BUILD_PAGES = Step(
    name="ui",
    title="Pages",
    run=build,
    inputs=(UI, ROOT / "ioc/messages"),
    outputs=(ROOT / "ioc/api/static/index.html",),
    leave_out=frozenset({"node_modules", "test-results", ".svelte-kit", ".vite"}),
)
