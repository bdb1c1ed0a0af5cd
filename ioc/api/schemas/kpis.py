"""KPI values as JSON, the same on REST, websocket and Kafka."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from ioc.api.schemas.times import SpanShape, optional_time, time_text
from ioc.model.kpi import KpiValue, Target


class TargetShape(TypedDict):
    """The target of a year. It has one of the bounds `at_least` and `at_most`."""

    year: int
    at_least: NotRequired[float]
    at_most: NotRequired[float | None]
    basis: str


class KpiShape(TypedDict):
    """The value of a KPI for a unit.

    `value` is null, never 0, without data. `reported` (false) is present only where the unit never reported what the
    KPI is calculated from. `restated` and `restated_at` are present only where a closed period was restated.
    """

    id: str
    unit: str
    value: float | None
    unit_of_measure: str
    as_of: str | None
    window: SpanShape
    samples: int
    min_samples: int
    freshness: Literal["live", "stale", "insufficient", "no_data"]
    target: TargetShape | None
    definition_version: str
    reported: NotRequired[Literal[False]]
    restated: NotRequired[bool]
    restated_at: NotRequired[str]


def target_shape(target: Target | None) -> TargetShape | None:
    """Return the JSON of a target with the bound that is set."""
    if target is None:
        return None
    if target.at_least is not None:
        return {"year": target.year, "at_least": target.at_least, "basis": target.basis}
    return {"year": target.year, "at_most": target.at_most, "basis": target.basis}


def kpi_shape(value: KpiValue, min_samples: int) -> KpiShape:
    """Return the JSON of a value; `min_samples` comes from the definition of its KPI."""
    shape: KpiShape = {
        "id": value.id,
        "unit": value.unit,
        "value": value.value,
        "unit_of_measure": value.unit_of_measure,
        "as_of": optional_time(value.as_of),
        "window": {"from": time_text(value.window_from), "to": time_text(value.window_to)},
        "samples": value.samples,
        "min_samples": min_samples,
        "freshness": value.freshness.value,
        "target": target_shape(value.target),
        "definition_version": value.definition_version,
    }
    if not value.reported:
        shape["reported"] = False
    if value.restated_at is not None:
        shape["restated"] = True
        shape["restated_at"] = time_text(value.restated_at)
    return shape
