"""The committed locks: whole, with checksums, and free of addresses."""

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from setup.jars import KAFKA_VERSION, LOCK, read_lock

REPOSITORY = Path(__file__).parents[3]
PYTHON_LOCKS = sorted((REPOSITORY / "requirements").glob("*.txt"))
NPM_LOCKS = [REPOSITORY / "setup/browser/package-lock.json", REPOSITORY / "ui/package-lock.json"]
REGISTRY = r"https?://[^/ ]*(?:pypi|pythonhosted|npmjs|maven|mirror)"
ADDRESS = re.compile(rf'"resolved"|--(?:index-url|extra-index-url|find-links|trusted-host)|{REGISTRY}')
PROJECT_TEXT = (REPOSITORY / "pyproject.toml").read_text()
PROJECT = tomllib.loads(PROJECT_TEXT)
# What each lock is for, as pyproject.toml declares it; `peers` has an environment of its own.
DECLARED = {
    "run": PROJECT["project"]["dependencies"],
    "up": PROJECT["project"]["optional-dependencies"]["setup"],
    "test": PROJECT["project"]["optional-dependencies"]["dev"],
    "peers": PROJECT["dependency-groups"]["peers"],
}


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", [*PYTHON_LOCKS, *NPM_LOCKS, LOCK], ids=lambda lock: str(lock.relative_to(REPOSITORY)))
def test_no_address_in_a_lock(lock: Path) -> None:
    assert ADDRESS.findall(lock.read_text()) == []


@pytest.mark.parametrize("lock", PYTHON_LOCKS, ids=lambda lock: lock.stem)
def test_every_python_pin_has_a_checksum(lock: Path) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", lock.read_text())
    assert len(entries) > len(DECLARED[lock.stem])
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_each_lock_of_the_centre_holds_the_one_before_it() -> None:
    run, up, test = (pins(REPOSITORY / "requirements" / f"{name}.txt") for name in ("run", "up", "test"))
    assert run.items() <= up.items() <= test.items()


@pytest.mark.parametrize("lock", DECLARED)
def test_declared_dependencies_are_locked(lock: str) -> None:
    names = {re.split(r"[=<>\[]", requirement)[0].lower() for requirement in DECLARED[lock]}
    assert names <= pins(REPOSITORY / "requirements" / f"{lock}.txt").keys()


def test_every_fixed_or_bounded_version_says_why() -> None:
    bounded = re.findall(r'^ +"[a-z0-9-]+ *[=<>!~].*', PROJECT_TEXT, re.MULTILINE)
    assert len(bounded) >= 5
    assert [line for line in bounded if "  # " not in line] == []


def test_only_the_overridden_packages_are_newer_than_others_ask_for() -> None:
    """As `pip check` finds; an override that nothing needs any more has to go."""
    locked = pins(REPOSITORY / "requirements" / "test.txt")
    installed = {canonicalize_name(found.name): found for found in distributions()}
    asked = [
        (name, requirement)
        for name, found in installed.items()
        if name in locked
        for requirement in map(Requirement, found.requires or ())
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    ]
    too_new = {
        wanted
        for _, requirement in asked
        if (wanted := canonicalize_name(requirement.name)) in installed
        and not requirement.specifier.contains(installed[wanted].version, prereleases=True)
    }
    assert too_new == {Requirement(line).name for line in PROJECT["tool"]["uv"]["override-dependencies"]}


def test_every_part_of_kafka_has_one_version() -> None:
    versions = {jar.version for jar in read_lock(LOCK.read_text()) if jar.group == "org.apache.kafka"}
    assert versions == {KAFKA_VERSION}


def test_the_broker_and_the_set_up_mean_the_same_kafka() -> None:
    from ioc.broker.java import KAFKA_VERSION as RUN

    assert RUN == KAFKA_VERSION


def test_the_compose_file_starts_the_same_kafka() -> None:
    assert f"image: apache/kafka:{KAFKA_VERSION}\n" in (REPOSITORY / "docker-compose.yml").read_text()
