"""A case: a thing with a life cycle (dossier, document, petition, incident, inspection, outage)."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Case:
    """One version of a case; of all versions the one with the latest `updated_at` holds.

    `service` is the code of the procedure or service, `channel` how it came (online, counter, post …). Times are aware.
    `attributes` are scalar values that KPI conditions may name; no personal data.
    """

    case_type: str
    case_id: str
    unit: str
    status: str
    received_at: datetime
    updated_at: datetime
    channel: str = ""
    service: str = ""
    due_at: datetime | None = None
    closed_at: datetime | None = None
    attributes: dict[str, str | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseType:
    """A kind of case that the catalogue declares; a status outside `statuses` is unfit."""

    id: str
    name: dict[str, str]
    statuses: tuple[str, ...]
    attributes: tuple[str, ...] = ()
