"""Labels of many alerts as columns of codes, so that a matcher runs once per distinct value."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ioc.alerts.inputs import Flags
from ioc.alerts.rule_arrays import RuleArrays
from ioc.model.matcher import Matchers
from ioc.model.rule import Rule

LabelCodes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LabelColumn:
    """One label of all entries: `codes` are indices of `values`, -1 where the label is absent."""

    codes: LabelCodes
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LabelTable:
    """Labels of `size` alerts or slots."""

    size: int
    columns: Mapping[str, LabelColumn]

    @classmethod
    def of_slots(cls, arrays: RuleArrays) -> "LabelTable":
        """Return a table with one entry per slot."""
        by_rule = [_rule_labels(rule) for rule in arrays.rules]
        names = dict.fromkeys(name for labels in by_rule for name in labels)
        columns = {name: _column([labels.get(name) for labels in by_rule]) for name in names}
        spread = {name: LabelColumn(column.codes[arrays.slot_rule], column.values) for name, column in columns.items()}
        spread["unit"] = LabelColumn(arrays.slot_unit.astype(np.int64), arrays.units)
        return cls(len(arrays.slot_rule), spread)

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, str]]) -> "LabelTable":
        """Return a table of alerts with any labels, such as those of other systems."""
        names = dict.fromkeys(name for labels in rows for name in labels)
        return cls(len(rows), {name: _column([labels.get(name) for labels in rows]) for name in names})

    def matching(self, matchers: Matchers) -> Flags:
        """Return a mask of the entries that every matcher accepts."""
        mask = np.ones(self.size, np.bool_)
        for matcher in matchers:
            column = self.columns.get(matcher.label)
            if column is None:
                mask &= matcher.accepts("")
                continue
            accepted = [matcher.accepts(value) for value in column.values]
            mask &= np.array([*accepted, matcher.accepts("")], np.bool_)[column.codes]
        return mask

    def groups(self, names: Iterable[str]) -> LabelCodes:
        """Return a number per combination of values; -1 where one of the labels is absent or empty."""
        group = np.zeros(self.size, np.int64)
        absent = np.zeros(self.size, np.bool_)
        for name in names:
            column = self.columns.get(name)
            if column is None:
                return np.full(self.size, -1, np.int64)
            empty = np.array([not value for value in column.values] + [True], np.bool_)
            absent |= empty[column.codes]
            group = group * (len(column.values) + 1) + column.codes
        group[absent] = -1
        return group


def slot_labels(rule: Rule, unit: str) -> dict[str, str]:
    """Return the labels of a rule's alert for a unit: the rule's own, and those that every alert has.

    `alertname` is the rule's id, so that matchers and groups written for Alertmanager work for these alerts too.
    """
    return {name: value for name, value in (_rule_labels(rule) | {"unit": unit}).items() if value}


def _rule_labels(rule: Rule) -> dict[str, str]:
    return {
        "alertname": rule.id,
        **rule.labels,
        "rule": rule.id,
        "kpi": rule.kpi,
        "sector": rule.sector,
        "severity": rule.severity.value,
        "owner": rule.owner,
    }


def _column(values: Sequence[str | None]) -> LabelColumn:
    code_of: dict[str, int] = {}
    codes = [-1 if value is None else code_of.setdefault(value, len(code_of)) for value in values]
    return LabelColumn(np.array(codes, np.int64), tuple(code_of))
