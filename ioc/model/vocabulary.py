"""The words that records may use: measures, units and case types that the catalogue declares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ioc.model.case import CaseType
from ioc.model.measure import Measure
from ioc.model.unit import Unit

AHEAD_AT_MOST = timedelta(minutes=5)
"""How far a source's clock may run ahead of the centre's; a record later than that is unfit."""


@dataclass(frozen=True)
class Vocabulary:
    """What `ioc.wire` and the agents check records against; all keyed by id or code. `former_units` are codes of before
    1 July 2025 with those in their place."""

    measures: Mapping[str, Measure] = field(default_factory=dict)
    units: Mapping[str, Unit] = field(default_factory=dict)
    case_types: Mapping[str, CaseType] = field(default_factory=dict)
    former_units: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def unknown_unit(self, code: str | None) -> str:
        """The sentence for a code that is none of `units`."""
        sentence = f"No administrative unit of this centre has the code {code!r}."
        new = [
            f"{unit} ({self.units[unit].name})" for unit in self.former_units.get(code or "", ()) if unit in self.units
        ]
        return f"{sentence} It was one's until 1 July 2025; now it is {' or '.join(new)}." if new else sentence
