"""What is wrong in the definitions, all of it at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any

from ioc.errors import ConfigurationInvalid


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend. `kpi` is the KPI's id, or `measure ID`, `case_type ID`, `sector ID`, `scene ID`; empty when
    the file as a whole is at fault. `field` is the path inside it, as `aggregate.take`; `message` one sentence.
    `code` names the kind of fault for a page that says it in another language, with `given` to put in; empty where
    only the sentence says it."""

    file: str
    kpi: str
    field: str
    message: str
    code: str = ""
    given: Mapping[str, Any] = attribute(default_factory=dict)

    def __str__(self) -> str:
        return " · ".join(part for part in (self.file, self.kpi, self.field, self.message) if part)


class CatalogInvalid(ConfigurationInvalid):
    """The catalogue cannot be used; the definitions in force stay. `faults` are all that were found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = list(faults)
