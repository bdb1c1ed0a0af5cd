"""The vocabulary of records: measures, units and case types that the catalogue declares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ioc.messages import Message
from ioc.model.case import CaseType
from ioc.model.measure import Measure
from ioc.model.unit import Unit

MAX_AHEAD = timedelta(minutes=5)
"""How far a source's clock may run ahead of the centre's; a record with a later time is rejected."""


@dataclass(frozen=True)
class Vocabulary:
    """What records are checked against, keyed by id or code.

    `former_units` maps codes in use before 1 July 2025 to the codes that replaced them.
    """

    measures: Mapping[str, Measure] = field(default_factory=dict)
    units: Mapping[str, Unit] = field(default_factory=dict)
    case_types: Mapping[str, CaseType] = field(default_factory=dict)
    former_units: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def unknown_unit(self, code: str | None) -> Message:
        """Return the sentence for a code that is not in `units`."""
        new = [
            f"{unit} ({self.units[unit].name})" for unit in self.former_units.get(code or "", ()) if unit in self.units
        ]
        if new:
            return Message("former_unit", code=code, now=new)
        return Message("unknown_unit_code", code=code)
