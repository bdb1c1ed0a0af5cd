"""Lay rules out as arrays: one slot per rule and unit, one leaf entry per slot and leaf of its condition."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from math import inf, nextafter
from zoneinfo import ZoneInfo

import numpy as np

from ioc.alerts.inputs import Flags, Indices, Reals, Times, milliseconds
from ioc.model.kpi import Target
from ioc.model.rule import Change, DataLack, Deviation, Leaf, Limits, Rule, TargetMissed, leaves
from ioc.model.unit import Unit


@dataclass(frozen=True, slots=True)
class Signal:
    """What is compared with limits: a KPI's value (`leaf` None), or what is calculated from it for a leaf."""

    kpi: str
    leaf: Change | Deviation | DataLack | None
    least_samples: int


@dataclass(frozen=True, slots=True)
class LeafBlock:
    """The entries [start, end) of one leaf of one rule, in the order of the rule's slots."""

    leaf: Leaf
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class RuleBlock:
    """The slots [start, end) of a rule and its leaves."""

    rule: Rule
    start: int
    end: int
    leaves: tuple[LeafBlock, ...]


@dataclass(frozen=True, slots=True)
class LimitArrays:
    """Limits of each leaf entry.

    A signal fires above `fire_above` or below `fire_below`; it clears in [`clear_from`, `clear_to`].
    """

    fire_above: Reals
    fire_below: Reals
    clear_from: Reals
    clear_to: Reals


@dataclass(frozen=True, slots=True, eq=False)
class RuleArrays:
    """All rules for all units.

    `sources` has the index of each leaf entry in the flat signals (row * units + unit), `first_leaf` the first leaf
    entry of each slot; `slot_rule` and `slot_unit` index `blocks` and `units`. `held_ms`, `keep_ms` and `latching` are
    by rule; `targets` are those of the KPIs by year. `slots` has the slot of each (rule, unit).
    """

    units: tuple[str, ...]
    blocks: tuple[RuleBlock, ...]
    signals: tuple[Signal, ...]
    sources: Indices
    first_leaf: Indices
    slot_rule: Indices
    slot_unit: Indices
    held_ms: Times
    keep_ms: Times
    latching: Flags
    targets: Mapping[str, tuple[Target, ...]]
    zone: ZoneInfo
    slots: Mapping[tuple[str, str], int]

    @classmethod
    def of(
        cls, rules: Iterable[Rule], units: Mapping[str, Unit], targets: Mapping[str, tuple[Target, ...]], zone: ZoneInfo
    ) -> "RuleArrays":
        """Lay rules out; `units` are those of the province by code, `targets` those of KPIs that rules compare with."""
        codes = tuple(units)
        index_of = {code: index for index, code in enumerate(codes)}
        signals: dict[Signal, int] = {}
        blocks: list[RuleBlock] = []
        sources: list[Indices] = []
        first_leaf: list[Indices] = []
        slot_rule: list[Indices] = []
        slot_unit: list[Indices] = []
        slot = entry = 0
        for number, rule in enumerate(rules):
            chosen = np.array([index_of[code] for code in units_of(rule, units)], np.intp)
            leaf_blocks = []
            first_leaf.append(np.arange(entry, entry + len(chosen), dtype=np.intp))
            for leaf in leaves(rule.condition):
                calculated_for = leaf if isinstance(leaf, Change | Deviation | DataLack) else None
                key = Signal(leaf.kpi, _without_limits(calculated_for), rule.least_samples)
                row = signals.setdefault(key, len(signals))
                sources.append(row * len(codes) + chosen)
                leaf_blocks.append(LeafBlock(leaf, entry, entry + len(chosen)))
                entry += len(chosen)
            slot_rule.append(np.full(len(chosen), number, np.intp))
            slot_unit.append(chosen)
            blocks.append(RuleBlock(rule, slot, slot + len(chosen), tuple(leaf_blocks)))
            slot += len(chosen)
        every = [block.rule for block in blocks]
        return cls(
            units=codes,
            blocks=tuple(blocks),
            signals=tuple(signals),
            sources=_joined(sources),
            first_leaf=_joined(first_leaf),
            slot_rule=_joined(slot_rule),
            slot_unit=_joined(slot_unit),
            held_ms=np.array([milliseconds(rule.held_for) for rule in every], np.int64),
            keep_ms=np.array([milliseconds(rule.keep_firing_for) for rule in every], np.int64),
            latching=np.array([rule.latching for rule in every], np.bool_),
            targets=targets,
            zone=zone,
            slots={
                (block.rule.id, codes[unit]): block.start + step
                for block, chosen in zip(blocks, slot_unit, strict=True)
                for step, unit in enumerate(chosen.tolist())
            },
        )

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, in the order of the blocks."""
        return tuple(block.rule for block in self.blocks)

    def rule_of(self, slot: int) -> Rule:
        """Return the rule of a slot."""
        return self.blocks[int(self.slot_rule[slot])].rule

    def unit_of(self, slot: int) -> str:
        """Return the unit's code of a slot."""
        return self.units[int(self.slot_unit[slot])]


def units_of(rule: Rule, units: Mapping[str, Unit]) -> tuple[str, ...]:
    """Return the codes of the units that a rule covers, in the order of `units`; unknown codes are left out."""
    if isinstance(rule.units, tuple):
        return tuple(code for code in units if code in rule.units)
    return tuple(code for code, unit in units.items() if unit.level is rule.units)


@lru_cache(maxsize=4)
def limits_in(arrays: RuleArrays, year: int) -> LimitArrays:
    """Return the limits of every leaf entry in a year; only targets differ between years."""
    size = len(arrays.sources)
    limits = LimitArrays(*(np.empty(size) for _ in range(4)))
    for block in arrays.blocks:
        for part in block.leaves:
            above, below, start, end = bounds(limits_of(part.leaf, arrays.targets, year))
            limits.fire_above[part.start : part.end] = above
            limits.fire_below[part.start : part.end] = below
            limits.clear_from[part.start : part.end] = start
            limits.clear_to[part.start : part.end] = end
    return limits


def limits_of(leaf: Leaf, targets: Mapping[str, tuple[Target, ...]], year: int) -> Limits:
    """Return a leaf's limits in a year.

    A lack of data is a signal of 1 against a limit of 0.5. A target is that of the year, else of the last year before.
    """
    if isinstance(leaf, DataLack):
        return Limits(fires_above=0.5)
    if not isinstance(leaf, TargetMissed):
        return leaf.limits
    earlier = [target for target in targets.get(leaf.kpi, ()) if target.year <= year]
    target = max(earlier, key=lambda target: target.year, default=None)
    return Limits() if target is None else Limits(fires_above=target.at_most, fires_below=target.at_least)


def bounds(limits: Limits) -> tuple[float, float, float, float]:
    """Return fire_above, fire_below, clear_from and clear_to."""
    above = inf if limits.fires_above is None else limits.fires_above
    below = -inf if limits.fires_below is None else limits.fires_below
    clear_from = below if limits.clears_above is None else nextafter(limits.clears_above, inf)
    clear_to = above if limits.clears_below is None else nextafter(limits.clears_below, -inf)
    return above, below, clear_from, clear_to


def year_of(now_ms: int, zone: ZoneInfo) -> int:
    """Return the year of a moment in a time zone."""
    return datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).year


def _without_limits(leaf: Change | Deviation | DataLack | None) -> Change | Deviation | DataLack | None:
    """Return the leaf without its limits, so that leaves that differ only in limits share a signal."""
    if isinstance(leaf, Change):
        return Change(leaf.kpi, leaf.over, Limits())
    if isinstance(leaf, Deviation):
        return Deviation(leaf.kpi, leaf.weeks, Limits())
    return leaf


def _joined(parts: list[Indices]) -> Indices:
    return np.concatenate(parts) if parts else np.empty(0, np.intp)
