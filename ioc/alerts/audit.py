"""Measure how good the alerts are, after ISA-18.2 and EEMUA 191: load, floods, nuisances, priorities, responses."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ioc.alerts.flood import WINDOW_MS, Flood, find_floods
from ioc.alerts.inputs import Times
from ioc.model.alert import Transition, TransitionKind
from ioc.model.rule import Severity

DAY_MS = 86_400_000
MAX_PER_WINDOW = 1.0
MAX_PER_DAY = 150.0
MAX_FLOOD_SHARE = 0.01
MIN_CHATTER_ALERTS = 3
"""Alerts of one rule and unit within a minute."""

STALE_AFTER_MS = DAY_MS
PRIORITY_MIX = {"critical": 0.05, "high": 0.15, "lower": 0.80}
"""Recommended share of alerts by severity; medium and low together are `lower`."""


@dataclass(frozen=True, slots=True)
class AlertSource:
    """Number of alerts of a rule and unit, and their share of all."""

    rule: str
    unit: str
    alerts: int
    share: float


@dataclass(frozen=True, slots=True)
class ResponseTimes:
    """Seconds from firing to acknowledgement: median and 90th percentile, None when nothing was acknowledged.

    `open` counts alerts that nobody acknowledged.
    """

    median_s: float | None
    p90_s: float | None
    acknowledged: int
    open: int


@dataclass(frozen=True, slots=True)
class Audit:
    """Figures of [from_ms, to_ms).

    `per_window` (ten minutes) and `per_day` are means for one operator; `busiest_window` is the maximum that one
    operator got in a window. `mix` has the shares of critical, high and lower alerts; it is empty without alerts.
    """

    from_ms: int
    to_ms: int
    alerts: int
    per_window: float
    per_day: float
    busiest_window: float
    floods: tuple[Flood, ...]
    flood_share: float
    chattering: tuple[AlertSource, ...]
    stale: tuple[str, ...]
    top: tuple[AlertSource, ...]
    mix: Mapping[str, float]
    answer: ResponseTimes


def audit(
    transitions: Iterable[Transition],
    acknowledged_ms: Mapping[str, int],
    operators: int,
    from_ms: int,
    to_ms: int,
) -> Audit:
    """Calculate the figures of a period.

    `transitions` must reach as far back as the oldest alert that still fires, in any order. `acknowledged_ms` is the
    first acknowledgement of alerts by id; `operators` is the number on duty at a time.

    Raises ValueError for an empty period or no operator.
    """
    if to_ms <= from_ms or operators < 1:
        raise ValueError("An audit needs a period that is not empty and at least one operator.")
    listed = [one for one in transitions if one.at_ms < to_ms]
    fired = [one for one in listed if one.kind is TransitionKind.FIRING]
    ended_ms = {one.alert: one.at_ms for one in listed if one.kind is TransitionKind.RESOLVED}
    inside = [one for one in fired if one.at_ms >= from_ms]
    times = np.sort(np.array([one.at_ms for one in inside], np.int64))
    earlier = np.array([one.at_ms for one in fired if one.at_ms >= from_ms - WINDOW_MS], np.int64)
    flooded = [one for one in find_floods(earlier, to_ms) if (one.until_ms or to_ms) > from_ms]
    flooded_ms = sum(min(one.until_ms or to_ms, to_ms) - max(one.from_ms, from_ms) for one in flooded)
    length = to_ms - from_ms
    sources = Counter((one.rule, one.unit) for one in inside)
    stale = [one.alert for one in fired if _lasts_long(one, ended_ms.get(one.alert), from_ms, to_ms)]
    return Audit(
        from_ms=from_ms,
        to_ms=to_ms,
        alerts=len(inside),
        per_window=len(inside) / operators * WINDOW_MS / length,
        per_day=len(inside) / operators * DAY_MS / length,
        busiest_window=_busiest(times, from_ms) / operators,
        floods=tuple(flooded),
        flood_share=flooded_ms / length,
        chattering=tuple(_source(one, sources) for one in _chattering(inside)),
        stale=tuple(stale),
        top=tuple(_source(one, sources) for one, _ in sources.most_common(10)),
        mix=_mix(inside),
        answer=_answer(inside, acknowledged_ms),
    )


def _lasts_long(one: Transition, ended_ms: int | None, from_ms: int, to_ms: int) -> bool:
    end_ms = to_ms if ended_ms is None else ended_ms
    return end_ms > from_ms and end_ms - one.at_ms > STALE_AFTER_MS


def _busiest(times: Times, from_ms: int) -> int:
    if not len(times):
        return 0
    return int(np.bincount((times - from_ms) // WINDOW_MS).max())


def _chattering(fired: Iterable[Transition]) -> list[tuple[str, str]]:
    """Return (rule, unit) that fired MIN_CHATTER_ALERTS times or more within any minute."""
    times: dict[tuple[str, str], list[int]] = {}
    for one in fired:
        times.setdefault((one.rule, one.unit), []).append(one.at_ms)
    found = []
    for rule_and_unit, listed in times.items():
        ordered = sorted(listed)
        pairs = zip(ordered, ordered[MIN_CHATTER_ALERTS - 1 :], strict=False)
        if any(last - first < 60_000 for first, last in pairs):
            found.append(rule_and_unit)
    return found


def _source(rule_and_unit: tuple[str, str], counts: Counter[tuple[str, str]]) -> AlertSource:
    count = counts[rule_and_unit]
    return AlertSource(*rule_and_unit, count, count / counts.total())


def _mix(fired: list[Transition]) -> dict[str, float]:
    if not fired:
        return {}
    graver = (Severity.CRITICAL, Severity.HIGH)
    shares = {one.value: sum(alert.severity is one for alert in fired) / len(fired) for one in graver}
    return shares | {"lower": sum(alert.severity not in graver for alert in fired) / len(fired)}


def _answer(fired: list[Transition], acknowledged_ms: Mapping[str, int]) -> ResponseTimes:
    waits_ms = [acknowledged_ms[one.alert] - one.at_ms for one in fired if one.alert in acknowledged_ms]
    if not waits_ms:
        return ResponseTimes(None, None, 0, len(fired))
    median, p90 = np.percentile(np.array(waits_ms, np.float64) / 1000, (50, 90)).tolist()
    return ResponseTimes(median, p90, len(waits_ms), len(fired) - len(waits_ms))
