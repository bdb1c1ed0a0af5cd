"""Read profiles, which say what a simulated sector system gives, from `profiles/*.toml`.

There is one file per system; its stem is the name of the source. `profiles/README.md` explains the fields.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from ioc.model.duration import parse_duration, parse_working_days

SYSTEMS = ("statistics", "day_file", "year_file", "sensors", "push")
PERIODS = ("day", "month", "quarter", "year")
PLACES = ("province", "communes", "towns", "departments")

Shares = tuple[tuple[Any, float], ...]


class ProfileInvalid(ValueError):
    """A profile of the package is wrong; names file and entry."""


@dataclass(frozen=True)
class ProfileDuration:
    """A duration of `ms`, or of whole working days (then `ms` are those of as many calendar days)."""

    ms: int
    working_days: int = 0

    @classmethod
    def parse(cls, text: str) -> "ProfileDuration":
        """Read `30s`, `15m`, `24h`, `7d` or `15wd`. Raises ValueError."""
        working_days = parse_working_days(text) or 0
        length = timedelta(days=working_days) if working_days else parse_duration(text)
        return cls(length // timedelta(milliseconds=1), working_days)


@dataclass(frozen=True)
class ReadingProfile:
    """Readings of one measure: one per `every`, by `shape` over the day, or one per `period`, or published `values`.

    A value is the level of the hour (`shape`) and month (`season`) times `mean`, plus `base`, plus `a_year` for each
    year since 2025. It drifts slowly by `wander` and varies by `spread`, both as shares. `counts` makes whole numbers,
    with `mean` expected per hour (or period) at level 1. `of_measure` makes it the share `mean` of another measure of
    the file. `out_share` is the share of two-hour intervals in which it is 0. With `recent` there is only the last day
    of history; with `sparse` zeros are left out. With `province` it is measured in that province only.
    """

    measure: str
    on: str = "province"
    subjects: tuple[str, ...] = ()
    every: str = ""
    period: str = ""
    published_day: int = 5
    published_hour: int = 17
    shape: str = "flat"
    season: tuple[float, ...] = ()
    mean: float = 0.0
    base: float = 0.0
    a_year: float = 0.0
    spread: float = 0.0
    skew: float = 0.0
    wander: float = 0.0
    storms: float = 0.0
    counts: bool = False
    digits: int = 2
    least: float = float("-inf")
    most: float = float("inf")
    factors: tuple[float, ...] = ()
    of_measure: str = ""
    out_share: float = 0.0
    recent: bool = False
    sparse: bool = False
    province: str = ""
    values: tuple[tuple[date, float], ...] = ()

    @property
    def step_ms(self) -> int:
        """The step `every` in ms."""
        return ProfileDuration.parse(self.every).ms


@dataclass(frozen=True)
class StepProfile:
    """A step between receipt and closing: its status, its share of cases, and at which part of the duration it is."""

    status: str
    part: float = 0.5
    share: float = 1.0


@dataclass(frozen=True)
class ClosingProfile:
    """A way to close: its status, its share, and its usual duration (by default `takes` of the case)."""

    status: str
    share: float
    takes: str = ""


@dataclass(frozen=True, eq=False)
class CaseProfile:
    """Cases of one type: `a_day` in the whole province on a working day, the share `free_days` of that on others."""

    case_type: str
    prefix: str
    a_day: float
    first_status: str
    closing: tuple[ClosingProfile, ...]
    takes: str
    on: str = "communes"
    free_days: float = 0.0
    season: tuple[float, ...] = ()
    storms: float = 0.0
    shape: str = "office"
    steps: tuple[StepProfile, ...] = ()
    due: str = ""
    late: float = 0.0
    channels: Shares = (("", 1.0),)
    services: Shares = (("", 1.0),)
    attributes: Mapping[str, Shares] = field(default_factory=dict)
    joint: tuple[tuple[Mapping[str, Any], float], ...] = (({}, 1.0),)
    attributes_closed: Mapping[str, Shares] = field(default_factory=dict)
    history: str = "first_and_last"

    @property
    def max_open_days(self) -> int:
        """Calendar days after which every case is closed."""
        lengths = [
            ProfileDuration.parse(text) for text in (self.takes, self.due, *(end.takes for end in self.closing)) if text
        ]
        longest = max(length.ms / 86_400_000 * (1.7 if length.working_days else 1) for length in lengths)
        return int(5 * longest) + 25


@dataclass(frozen=True)
class Profile:
    """A simulated system. `kind` says how it sends data; `every` how often it sends or the centre asks."""

    source: str
    kind: str
    name: Mapping[str, str]
    every: str
    expected_every: str
    readings: tuple[ReadingProfile, ...]
    cases: tuple[CaseProfile, ...]

    def within(self, province: str) -> "Profile":
        """Return what the system gives in `province` (code)."""
        return replace(self, readings=tuple(one for one in self.readings if one.province in ("", province)))

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that the system gives."""
        return tuple(dict.fromkeys(profile.measure for profile in self.readings))


@cache
def profiles() -> tuple[Profile, ...]:
    """Return all profiles of the package, by the names of their files. Raises ProfileInvalid."""
    folder = files("ioc.demo.world").joinpath("profiles")
    entries = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda e: e.name)
    return tuple(read_profile(entry.name.removesuffix(".toml"), entry.read_text(encoding="utf-8")) for entry in entries)


def read_profile(source: str, text: str) -> Profile:
    """Return the profile of a TOML text. Raises ProfileInvalid."""
    try:
        data = tomllib.loads(text)
        system = data.pop("source")
        readings = tuple(_reading(entry) for entry in data.pop("reading", []))
        cases = tuple(_case(entry) for entry in data.pop("case", []))
        made = Profile(
            source,
            system.pop("kind"),
            system.pop("name"),
            system.pop("every", "30s"),
            system.pop("expected_every", "5m"),
            readings,
            cases,
        )
        if system or data or made.kind not in SYSTEMS:
            raise ValueError(f"unknown: {[*system, *data]} or kind {made.kind!r}")
        for reading in readings:
            _check(reading, made)
    except (ValueError, TypeError, KeyError) as fault:
        raise ProfileInvalid(f"profiles/{source}.toml: {fault}") from fault
    return made


def _check(reading: ReadingProfile, profile: Profile) -> None:
    if reading.on not in PLACES or reading.period not in ("", *PERIODS):
        raise ValueError(f"{reading.measure}: on {reading.on!r}, period {reading.period!r}")
    if (bool(reading.every), bool(reading.period), bool(reading.values)).count(True) != 1:
        raise ValueError(f"{reading.measure} needs exactly one of every, period and values")
    if profile.kind == "sensors" and not reading.subjects:
        raise ValueError(f"{reading.measure}: a sensor needs a name (subjects)")
    if reading.season and len(reading.season) != 12:
        raise ValueError(f"{reading.measure}: a season has 12 numbers")
    if reading.of_measure and reading.of_measure not in profile.measures:
        raise ValueError(f"{reading.measure} is a share of {reading.of_measure!r}, which the file does not have")


def _reading(entry: dict[str, Any]) -> ReadingProfile:
    lists: dict[str, Any] = {name: tuple(entry[name]) for name in ("subjects", "season", "factors") if name in entry}
    values = tuple((value["at"], float(value["value"])) for value in entry.get("values", []))
    made: dict[str, Any] = {**entry, **lists, "values": values}
    return ReadingProfile(**made)


def _case(entry: dict[str, Any]) -> CaseProfile:
    unknown = entry.keys() - {one.name for one in fields(CaseProfile)}
    if unknown:
        raise ValueError(f"no field of a case: {sorted(unknown)}")
    made = dict(entry)
    made["steps"] = tuple(StepProfile(**step) for step in entry.get("steps", []))
    made["closing"] = tuple(ClosingProfile(**end) for end in entry["closing"])
    for name in ("channels", "services"):
        if name in entry:
            made[name] = _shares(entry[name])
    for name in ("attributes", "attributes_closed"):
        made[name] = {attribute: _shares(shares) for attribute, shares in entry.get(name, {}).items()}
    if "joint" in entry:
        made["joint"] = tuple(({k: v for k, v in one.items() if k != "share"}, one["share"]) for one in entry["joint"])
    if "season" in entry:
        made["season"] = tuple(entry["season"])
    case = CaseProfile(**made)
    _add_up(case.case_type, [end.share for end in case.closing])
    _add_up(case.case_type, [share for _, share in case.joint])
    for shares in (case.channels, case.services, *case.attributes.values(), *case.attributes_closed.values()):
        _add_up(case.case_type, [share for _, share in shares])
    return case


def _shares(given: Mapping[str, float] | Sequence[Sequence[Any]]) -> Shares:
    """Read `{ app = 0.6, web = 0.4 }`, or `[[true, 0.9], [false, 0.1]]` for values that are not texts."""
    pairs = given.items() if isinstance(given, Mapping) else [(word, share) for word, share in given]
    return tuple((word, float(share)) for word, share in pairs)


def _add_up(case_type: str, shares: Sequence[float]) -> None:
    if abs(sum(shares) - 1) > 1e-6:
        raise ValueError(f"{case_type}: shares {shares} do not add up to 1")
