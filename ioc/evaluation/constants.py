"""Constants of formulas at a KPI's time: the value in force on the last day of its window."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from ioc.evaluation.aggregate_functions import Real
from ioc.model.kpi import Constant


def in_force(
    constants: Mapping[str, Constant], ids: Iterable[str], window_ends: Sequence[datetime], zone: ZoneInfo
) -> dict[str, Real]:
    """One entry a window; NaN where no value is in force. A window's end is no longer part of it."""
    days = [(end - timedelta(microseconds=1)).astimezone(zone).date() for end in window_ends]
    held = {constant_id: [constants[constant_id].at(day) for day in days] for constant_id in ids}
    return {
        constant_id: np.array([np.nan if value is None else value for value in values])
        for constant_id, values in held.items()
    }
