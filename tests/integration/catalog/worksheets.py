"""Worksheets of QĐ 766: each unit's data, and the points that a clerk calculates from them by hand.

Two decimals distinguish every component; where a share is not exact the worksheet holds the fraction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from ioc.model.case import Case
from ioc.model.reading import Reading
from ioc.settings import VIETNAM

NOW = datetime(2026, 11, 20, 15, 0, 30, tzinfo=VIETNAM)
"""A Friday."""


def at(text: str) -> datetime:
    """`11-05 09:00` of 2026 in the province."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=VIETNAM)


@dataclass(frozen=True)
class Dossiers:
    """`n` dossiers alike. `life`: on_time, late, open (not due yet), overdue, twice (two requests, closed before its
    time); `done` are the true attributes."""

    n: int
    life: str
    service: str
    level: str
    channel: str = "counter"
    fee: int = 0
    done: str = ""
    e_copy: bool | None = None
    month: str = "11"


@dataclass(frozen=True)
class Petitions:
    """`n` petitions alike. `life`: on_time, late, open."""

    n: int
    life: str
    satisfied: bool | None = None


@dataclass(frozen=True)
class Worksheet:
    """`services`: procedures, partial, full, with fees, payable online; `published`: to issue, issued on time, to
    publish, published on time, reviewed, complete. `points` by component, `groups` by group."""

    unit: str
    services: tuple[int, int, int, int, int]
    published: tuple[int, int, int, int, int, int]
    dossiers: tuple[Dossiers, ...]
    petitions: tuple[Petitions, ...]
    points: Mapping[str, float]
    groups: Mapping[str, float]
    total: float
    band: str
    costliest: str = ""
    other_windows: Mapping[str, float] = field(default_factory=dict)


_SERVICES = ("procedures", "partial", "full", "with_fees", "with_online_payment")
_PUBLISHED = ("to_issue", "issued_on_time", "to_publish", "published_on_time", "published", "published_complete")
# Received, due, closed (none while open); November 2026 has no holiday.
_LIVES: Mapping[str, tuple[str, str, str | None]] = {
    "on_time": ("02 09:00", "06 17:00", "05 10:00"),
    "late": ("02 09:00", "06 17:00", "09 10:00"),
    "open": ("16 09:00", "27 17:00", None),
    "overdue": ("02 09:00", "10 17:00", None),
    "twice": ("02 09:00", "13 17:00", "12 10:00"),
}
_PETITIONS: Mapping[str, tuple[str, str | None]] = {
    "on_time": ("02 09:00", "12 10:00"),
    "late": ("02 09:00", None),
    "open": ("18 09:00", None),
}


def readings(sheet: Worksheet) -> Iterator[Reading]:
    for name, value in zip(_SERVICES, sheet.services, strict=True):
        yield Reading(f"service.{name}", sheet.unit, at("11-01 07:00"), float(value))
    for name, value in zip(_PUBLISHED, sheet.published, strict=True):
        yield Reading(f"procedure.{name}", sheet.unit, at("11-03 12:00"), float(value))


def cases(sheet: Worksheet) -> Iterator[Case]:
    number = count(1)
    for group in sheet.dossiers:
        for _ in range(group.n):
            yield from _dossier(sheet.unit, f"{sheet.unit}-{next(number)}", group)
    for petitions in sheet.petitions:
        for _ in range(petitions.n):
            yield _petition(sheet.unit, f"P-{sheet.unit}-{next(number)}", petitions)


def _dossier(unit: str, case_id: str, group: Dossiers) -> Iterator[Case]:
    received, due, closed = (None if text is None else at(f"{group.month}-{text}") for text in _LIVES[group.life])
    assert received is not None
    attributes: dict[str, str | float | bool] = dict.fromkeys(group.done.split(), True)
    attributes |= {"level": group.level, "fee": group.fee}
    if group.e_copy is not None:
        attributes["e_copy"] = group.e_copy

    def version(status: str, moment: datetime, closed_at: datetime | None = None) -> Case:
        return Case(
            "dossier",
            case_id,
            unit,
            status,
            received,
            moment,
            group.channel,
            group.service,
            due,
            closed_at,
            attributes,
        )

    yield version("received", received)
    if group.life == "twice":
        for day in ("03", "05"):
            asked = at(f"{group.month}-{day} 09:00")
            yield version("supplement", asked)
            yield version("processing", asked + timedelta(hours=4))
    if closed is not None:
        yield version("settled", closed, closed)


def _petition(unit: str, case_id: str, group: Petitions) -> Case:
    received, closed = (None if text is None else at(f"11-{text}") for text in _PETITIONS[group.life])
    assert received is not None
    due = at("11-16 17:00") if group.life == "late" else None  # else 15 working days after receipt
    attributes: dict[str, str | float | bool] = {"field": "giao thông"}
    if group.satisfied is not None:
        attributes["satisfied"] = group.satisfied
    status = "answered" if closed else "processing"
    return Case("petition", case_id, unit, status, received, closed or received, "web", "", due, closed, attributes)


_ALL = "synchronised digitised result_electronic reused shared identity_checked population_used"
NO_PETITIONS = Worksheet(
    unit="19753",
    services=(10, 3, 5, 5, 3),
    published=(4, 1, 5, 4, 8, 6),
    dossiers=(
        Dossiers(6, "on_time", "S1", "partial", "online", 8000, _ALL + " paid_online", e_copy=True),
        Dossiers(4, "on_time", "S1", "partial", fee=8000, done="synchronised", e_copy=False),
        Dossiers(
            5,
            "on_time",
            "S2",
            "full",
            "online",
            done="synchronised digitised result_electronic shared identity_checked population_used",
        ),
        Dossiers(2, "late", "S3", "full", done="synchronised"),
        Dossiers(2, "open", "S4", "partial", "online", 50000, "digitised"),
        Dossiers(1, "twice", "S2", "full", done="synchronised digitised complained"),
        Dossiers(5, "late", "S2", "full", month="10"),
        Dossiers(5, "on_time", "S2", "full", month="04"),
    ),
    petitions=(),
    points={
        "transparency.issued": 1.5,  # 6 × 1 ÷ 4
        "transparency.published": 3.2,  # 4 × 4 ÷ 5
        "transparency.complete": 1.5,  # 2 × 6 ÷ 8
        "transparency.synchronised": 5.4,  # 6 × 18 ÷ 20
        "progress.on_time": 17,  # 20 × (15 + 2) ÷ 20: two late, and one asked twice counts late
        "online.supplied": 2,  # 2 × (3 + 5) ÷ 10 ÷ 0.8 = 2
        "online.used": 2,  # 4 × 4 ÷ 8
        "online.submitted": 6,  # 6 × 13 ÷ 20 ÷ 0.5 = 7.8, at most 6
        "payment.paid": 3,  # 6 × 6 ÷ 12
        "payment.payable": 1.5,  # 2.5 × 3 ÷ 5
        "payment.transacted": 0.5,  # 2.5 × 1 ÷ 5
        "digitisation.results": 11 / 3,  # 6 × 11 ÷ 18
        "digitisation.receipt": 2.8,  # 4 × 14 ÷ 20
        "digitisation.copies": 1.2,  # 2 × 6 ÷ 10
        "digitisation.reused": 0.75,  # 2 × 6 ÷ 20 ÷ 0.8
        "digitisation.shared": 2.2,  # 4 × 11 ÷ 20
        "digitisation.population_identity": 1.1,  # 2 × 11 ÷ 20
        "digitisation.population_data": 1.1,
        "satisfaction.petitions_on_time": 6,  # none came
        "satisfaction.petitions_satisfied": 6,  # none came
        "satisfaction.dossiers_satisfied": 16 / 3,  # 6 × (1 − (3 + 1) ÷ 20) ÷ 0.9
    },
    groups={
        "transparency": 11.6,
        "progress": 17,
        "online": 10,
        "payment": 5,
        "digitisation": 769 / 60,
        "satisfaction": 52 / 3,
    },
    total=73.75,
    band="Fair",
    costliest="transparency.issued",
    other_windows={
        "qd766.progress.on_time.quarter": 13.6,  # 20 × 17 ÷ 25: five more of October, all late
        "qd766.progress.on_time.year": 20 * 22 / 30,  # and five of April, in time
    },
)
NO_FEES = Worksheet(
    unit="19774",
    services=(8, 0, 4, 2, 2),
    published=(0, 0, 2, 2, 0, 0),
    dossiers=(
        Dossiers(5, "on_time", "S2", "full", "online", done="synchronised digitised result_electronic"),
        Dossiers(3, "on_time", "S3", "full", done="synchronised"),
        Dossiers(2, "overdue", "S3", "full"),
    ),
    petitions=(
        Petitions(1, "on_time", satisfied=True),
        Petitions(1, "on_time", satisfied=False),
        Petitions(1, "late"),
        Petitions(1, "open"),
    ),
    points={
        "transparency.issued": 6,  # nothing to issue
        "transparency.published": 4,
        "transparency.complete": 2,  # nothing reviewed
        "transparency.synchronised": 4.8,  # 6 × 8 ÷ 10
        "progress.on_time": 16,  # 20 × 8 ÷ 10
        "online.supplied": 1.25,  # 2 × 4 ÷ 8 ÷ 0.8
        "online.used": 2,  # 4 × 2 ÷ 4
        "online.submitted": 6,  # 6 × 5 ÷ 10 ÷ 0.5
        "payment.paid": 6,  # no dossier with a fee
        "payment.payable": 2,  # 2.5 × 2 ÷ 2, at most 2
        "payment.transacted": 0,
        "digitisation.results": 3.75,  # 6 × 5 ÷ 8
        "digitisation.receipt": 2,  # 4 × 5 ÷ 10
        "digitisation.copies": 2,  # no copy asked for
        "digitisation.reused": 0,
        "digitisation.shared": 0,
        "digitisation.population_identity": 0,
        "digitisation.population_data": 0,
        "satisfaction.petitions_on_time": 4,  # 6 × 2 ÷ 3: the open one is not judged yet
        "satisfaction.petitions_satisfied": 3,  # 6 × 1 ÷ 2
        "satisfaction.dossiers_satisfied": 16 / 3,  # 6 × (1 − 2 ÷ 10) ÷ 0.9
    },
    groups={
        "transparency": 16.8,
        "progress": 16,
        "online": 9.25,
        "payment": 8,
        "digitisation": 7.75,
        "satisfaction": 37 / 3,
    },
    total=70 + 2 / 15,
    band="Fair",
)
_CAPS = {
    "transparency": {"issued": 6, "published": 4, "complete": 2, "synchronised": 6},
    "progress": {"on_time": 20},
    "online": {"supplied": 2, "used": 4, "submitted": 6},
    "payment": {"paid": 6, "payable": 2, "transacted": 2},
    "digitisation": {
        "results": 6,
        "receipt": 4,
        "copies": 2,
        "reused": 2,
        "shared": 4,
        "population_identity": 2,
        "population_data": 2,
    },
    "satisfaction": {"petitions_on_time": 6, "petitions_satisfied": 6, "dossiers_satisfied": 6},
}
CAPS = {f"{group}.{name}": points for group, parts in _CAPS.items() for name, points in parts.items()}
AT_EVERY_CAP = Worksheet(
    unit="H57.04",
    services=(2, 1, 1, 2, 2),
    published=(3, 3, 3, 3, 3, 3),
    dossiers=(
        Dossiers(6, "on_time", "S5", "partial", "online", 20000, _ALL + " paid_online", e_copy=True),
        Dossiers(4, "on_time", "S6", "full", "online", 30000, _ALL + " paid_online", e_copy=True),
    ),
    petitions=(Petitions(2, "on_time", satisfied=True),),
    points=CAPS,
    groups={group: sum(parts.values()) for group, parts in _CAPS.items()},
    total=100,
    band="Excellent",
)
NO_DOSSIERS = Worksheet(
    unit="19777",
    services=(5, 2, 3, 2, 2),
    published=(1, 1, 1, 1, 1, 1),
    dossiers=(Dossiers(1, "on_time", "S2", "full", month="04"),),  # it reports, but none in this month
    petitions=(),
    points=CAPS
    | {
        "online.used": 0,
        "online.submitted": 0,
        "payment.transacted": 0,
        "digitisation.results": 0,
        "digitisation.receipt": 0,
        "digitisation.reused": 0,
        "digitisation.shared": 0,
        "digitisation.population_identity": 0,
        "digitisation.population_data": 0,
        "satisfaction.dossiers_satisfied": 0,
    },
    groups={
        "transparency": 18,
        "progress": 20,
        "online": 2,
        "payment": 8,
        "digitisation": 2,
        "satisfaction": 12,
    },
    total=62,
    band="Average",
    costliest="",
)
SHEETS = (NO_PETITIONS, NO_FEES, AT_EVERY_CAP, NO_DOSSIERS)
