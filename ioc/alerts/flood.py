"""Find alarm floods (ISA-18.2: more than ten alerts in ten minutes, until fewer than five) and their causes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ioc.alerts.inputs import Times
from ioc.model.alert import Alert, ConditionState
from ioc.model.rule import Severity

WINDOW_MS = 600_000
BEGINS_ABOVE = 10
ENDS_BELOW = 5


@dataclass(frozen=True, slots=True)
class Flood:
    """A flood in [from_ms, until_ms); `until_ms` is None while it lasts.

    `alerts` counts those that fired from ten minutes before its beginning.
    """

    from_ms: int
    until_ms: int | None
    alerts: int


def find_floods(fired_ms: Sequence[int] | Times, until_ms: int) -> list[Flood]:
    """Find the floods up to `until_ms` from the times at which alerts fired, in any order.

    The count of the last ten minutes, (t - 10 min, t], falls between two alerts, so a flood ends when the fifth-last
    alert is ten minutes old.
    """
    times = np.sort(np.asarray(fired_ms, np.int64))
    times = times[times <= until_ms]
    within = np.arange(1, len(times) + 1) - np.searchsorted(times, times - WINDOW_MS, side="right")
    found: list[Flood] = []
    position = 0
    while position < len(times):
        begins = np.flatnonzero(within[position:] > BEGINS_ABOVE)
        if not len(begins):
            break
        first = position + int(begins[0])
        # Each alert keeps the count at ENDS_BELOW for as long as the one four before it is young enough.
        kept_until = times[first - ENDS_BELOW + 1 :] + WINDOW_MS
        breaks = np.flatnonzero(times[first + 1 :] > kept_until[: len(times) - first - 1])
        last = first + int(breaks[0]) if len(breaks) else len(times) - 1
        end = int(times[last - ENDS_BELOW + 1]) + WINDOW_MS
        start = int(times[first])
        counted = last + 1 - int(np.searchsorted(times, start - WINDOW_MS, side="right"))
        found.append(Flood(start, end if end <= until_ms else None, counted))
        position = last + 1
    return found


@dataclass(frozen=True, slots=True)
class Cause:
    """Alerts that are shown as one in a flood: those of one rule, and those that they keep quiet.

    `units` are in the order in which they fired, `first_ms` is when the first one did. `follow` counts the alerts that
    they keep quiet.
    """

    rule: str
    severity: Severity
    units: tuple[str, ...]
    alerts: tuple[str, ...]
    follow: int
    first_ms: int


def by_cause(alerts: Iterable[Alert]) -> list[Cause]:
    """Group alerts that have fired by cause: the most severe first, then the one with the most alerts.

    An alert that another one keeps quiet counts as following that one's rule (the first of a chain). Other quiet
    alerts are left out.
    """
    fired = {alert.id: alert for alert in alerts if alert.condition is not ConditionState.PENDING}
    heads: dict[str, list[Alert]] = {}
    follow: dict[str, int] = {}
    for alert in sorted(fired.values(), key=lambda one: (one.since_ms, one.id)):
        root = _root(alert, fired)
        if root is not alert:
            follow[root.rule] = follow.get(root.rule, 0) + 1
        elif not alert.is_quiet:
            heads.setdefault(alert.rule, []).append(alert)
    causes = [
        Cause(
            rule,
            min((one.severity for one in listed), key=lambda severity: severity.rank),
            tuple(dict.fromkeys(one.unit for one in listed)),
            tuple(one.id for one in listed),
            follow.get(rule, 0),
            listed[0].since_ms,
        )
        for rule, listed in heads.items()
    ]
    return sorted(causes, key=lambda cause: (cause.severity.rank, -len(cause.alerts), cause.rule))


def _root(alert: Alert, fired: Mapping[str, Alert]) -> Alert:
    seen = {alert.id}
    while True:
        above = next((fired[one.of] for one in alert.suppression if one.of in fired and one.of not in seen), None)
        if above is None:
            return alert
        seen.add(above.id)
        alert = above
