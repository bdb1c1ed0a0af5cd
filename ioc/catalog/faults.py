"""What is wrong in the definitions, all of it at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from ioc.errors import ConfigurationInvalid


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend. `kpi` is the KPI's id, or `measure ID`, `case_type ID`, `sector ID`, `scene ID`; empty when
    the file as a whole is at fault. `field` is the path inside it, as `aggregate.take`; `message` one sentence."""

    file: str
    kpi: str
    field: str
    message: str

    def __str__(self) -> str:
        return " · ".join(part for part in (self.file, self.kpi, self.field, self.message) if part)


class CatalogInvalid(ConfigurationInvalid):
    """The catalogue cannot be used; the definitions in force stay. `faults` are all that were found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = list(faults)
