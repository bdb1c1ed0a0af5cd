"""A case: a thing with a life cycle (dossier, document, petition, incident, inspection, outage)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ioc.model.personal_fields import PersonalTreatment


@dataclass(frozen=True, slots=True)
class Case:
    """One version of a case; the version with the latest `updated_at` is the current one.

    `service` is the code of the procedure or service, `channel` how the case came in (online, counter, post …). Times
    are aware. `attributes` are scalar values that KPI conditions may name; no personal data.
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
class CaseClock:
    """How the time that a case may take is counted: in working days, or in all days.

    The clock stops while an open case is in one of `pauses_in`. A case that comes without `due_at` is due `due_in` days
    of this clock after `received_at`; with None it is never due.
    """

    working: bool = False
    pauses_in: tuple[str, ...] = ()
    due_in: int | None = None


class AttributeType(StrEnum):
    """The type of a case's attribute.

    `date` is a day written YYYY-MM-DD, `code` a term or whole number that stands for something, `text` any readable
    text.
    """

    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    BOOLEAN = "boolean"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class CaseType:
    """A kind of case that the catalogue declares; a status outside `statuses` is rejected.

    `attributes` names all attributes; those without an entry in `attribute_types` hold any scalar value.
    `silence_is_zero`: a unit that never had such a case counts 0 once any unit of the province reported one (fires,
    outages); otherwise it has no data, since nobody knows whether it reports at all (dossiers).
    `personal` names attributes that may identify a person; connectors hash or drop them.
    """

    id: str
    name: dict[str, str]
    statuses: tuple[str, ...]
    attributes: tuple[str, ...] = ()
    clock: CaseClock = CaseClock()
    attribute_types: Mapping[str, AttributeType] = field(default_factory=dict)
    silence_is_zero: bool = False
    personal: Mapping[str, PersonalTreatment] = field(default_factory=dict)
