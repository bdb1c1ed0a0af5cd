"""Test cases of rules: series of values, and the states expected at certain times."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ioc.errors import TextInvalid
from ioc.messages import Message
from ioc.model.alert import ConditionState
from ioc.model.kpi import Freshness

MAX_STEPS = 100_000
_TOKEN = re.compile(r"^(?P<start>-?\d+(?:\.\d+)?|_|stale|few)(?:(?P<add>[+-]\d+(?:\.\d+)?))?(?:x(?P<times>\d+))?$")
_LACKS = {"_": Freshness.NO_DATA, "stale": Freshness.STALE, "few": Freshness.INSUFFICIENT}


class SeriesInvalid(TextInvalid):
    """The text is not a series; the message names the part at fault."""


@dataclass(frozen=True, slots=True)
class CaseSeries:
    """One entry per step; the value is NaN unless the state is LIVE."""

    value: tuple[float, ...]
    state: tuple[Freshness, ...]

    @classmethod
    def parse(cls, text: str) -> "CaseSeries":
        """Parse parts separated by blanks, in the notation of promtool.

        `5`, `5x3` (5 and three more), `5+2x3` (5 7 9 11), `_x3` (three steps without data); also `stale` and `few` (too
        few samples), with xN for N steps. Raises SeriesInvalid.
        """
        value: list[float] = []
        state: list[Freshness] = []
        for part in text.split():
            match = _TOKEN.match(part)
            if match is None or (match["start"] in _LACKS and match["add"]) or (match["add"] and not match["times"]):
                raise SeriesInvalid(Message("series_part", part=part))
            lack = _LACKS.get(match["start"])
            times = int(match["times"] or (1 if lack is not None else 0))
            if len(value) + times >= MAX_STEPS:
                raise SeriesInvalid(Message("series_long", max=MAX_STEPS))
            if lack is not None:
                value += [float("nan")] * times
                state += [lack] * times
            else:
                start, add = float(match["start"]), float(match["add"] or 0)
                value += [start + add * number for number in range(times + 1)]
                state += [Freshness.LIVE] * (times + 1)
        if not value:
            raise SeriesInvalid(Message("series_empty"))
        return cls(tuple(value), tuple(state))


@dataclass(frozen=True, slots=True)
class Expected:
    """`after_ms` from the start the alert is in `state`; it is quiet or not as `quiet` says, unless that is None."""

    after_ms: int
    state: ConditionState
    quiet: bool | None = None


@dataclass(frozen=True, slots=True)
class RuleCase:
    """A test case of a rule.

    `series` by KPI, one entry every `step_ms` from `start_ms`; there is no data after the end of a series. `usual`
    gives median and MAD of past weeks by KPI. Each entry has `samples` samples.
    """

    name: str
    rule: str
    start_ms: int
    step_ms: int
    series: Mapping[str, CaseSeries]
    expected: tuple[Expected, ...]
    usual: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    samples: int = 1_000_000
