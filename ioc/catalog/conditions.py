"""Translate conditions over a case: the SQL of `where` and `over` is parsed by DuckDB, checked and written again.

Only SQL that this module writes is ever run: columns and attributes of the case, constants, `now`, comparisons, boolean
operators, IN, BETWEEN, IS NULL, LIKE, arithmetic, working days and a few functions. An attribute takes the type of the
value that it is compared or combined with.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import orjson

from ioc.catalog.time_dependence import FALLING, FREE, RISING, Trend, compared, fixed, flipped, together
from ioc.catalog.toml_table import closest
from ioc.catalog.working_time import add_working_days, working_days
from ioc.errors import TextInvalid
from ioc.messages import Message
from ioc.model.case import CaseType

TIME_COLUMNS = ("received_at", "due_at", "closed_at", "updated_at", "deadline_at")
TEXT_COLUMNS = ("case_id", "unit", "status", "channel", "service")
NUMBER_COLUMNS = ("pauses",)
DERIVED_COLUMNS = ("deadline_at", "pauses")
"""The columns that the store derives from all versions of a case by the clock of its type."""
_COMPARISONS = {
    "COMPARE_EQUAL": "=",
    "COMPARE_NOTEQUAL": "<>",
    "COMPARE_LESSTHAN": "<",
    "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_GREATERTHAN": ">",
    "COMPARE_GREATERTHANOREQUALTO": ">=",
    "COMPARE_DISTINCT_FROM": "IS DISTINCT FROM",
    "COMPARE_NOT_DISTINCT_FROM": "IS NOT DISTINCT FROM",
}
_LIKES = {"~~": "LIKE", "!~~": "NOT LIKE", "~~*": "ILIKE", "!~~*": "NOT ILIKE"}
_TEXT_FUNCTIONS = {"lower": "text", "upper": "text", "trim": "text", "length": "number"}
_NUMBER_FUNCTIONS = ("abs", "floor", "ceil", "round")
_DURATIONS = {"to_seconds": 1, "to_minutes": 60, "to_hours": 3600, "to_days": 86_400, "to_weeks": 604_800}
_SQL_TYPES = {"text": "VARCHAR", "number": "DOUBLE", "truth": "BOOLEAN"}
_DURATION_FORM = Message("condition_interval")
_PARSER_LOCK = Lock()

if TYPE_CHECKING:
    import duckdb

Node = dict[str, Any]


class ConditionInvalid(TextInvalid):
    """The text is not a condition over the case; the message says what is wrong in it and what would be right."""


@cache
def _parser() -> "duckdb.DuckDBPyConnection":
    import duckdb  # 45 MB that a process which only needs the units does without

    return duckdb.connect()


def end_parser() -> None:
    """Close the parser's connection, and with it a thread; the next unknown condition opens another."""
    _parser().close()
    _parser.cache_clear()


@dataclass(frozen=True, slots=True)
class SqlCondition:
    """A condition as SQL.

    `sql` is true for the wanted cases. It needs a column `now` (UTC) beside the case's own if `uses_now`, and the
    columns of the store's `working_calendar` for working days. `loose` does not use `now`, and is true at least where
    `sql` can be true at some moment. `trends` is set if `sql` is a conjunction of parts each of which does not change,
    only rises or only falls as `now` advances.
    """

    sql: str
    uses_now: bool
    loose: str
    trends: "TrendParts | None" = None


@dataclass(frozen=True, slots=True)
class TrendParts:
    """SQL of the parts that do not change, only rise and only fall; "true" if there is none of a kind."""

    stays: str
    rises: str
    falls: str


@dataclass(frozen=True, slots=True)
class _Part:
    """SQL of a node, and its kind: text, number, truth, time, duration, null, or attribute (not typed yet)."""

    sql: str
    kind: str
    uses_now: bool = False
    loose: str = ""
    trend: Trend = FREE
    members: "tuple[_Part, ...]" = ()

    def wide(self) -> str:
        """Return SQL without `now` that is true at least where this part can be."""
        return "true" if self.uses_now and not self.loose else self.loose or self.sql


def parse_condition(text: str, case_type: CaseType) -> SqlCondition:
    """Return a condition over the cases of a type as SQL. Raises ConditionInvalid."""
    return _parse(text, case_type.statuses, case_type.attributes)


def attribute(name: str, kind: str) -> str:
    """Return SQL of a case's attribute as text, number or truth; null if it is missing or of another type."""
    sql = f"json_extract_string(attributes, '$.\"{name}\"')"
    return sql if kind == "text" else f"try_cast({sql} AS {_SQL_TYPES[kind]})"


@lru_cache(maxsize=4096)
def _parse(text: str, statuses: tuple[str, ...], attributes: tuple[str, ...]) -> SqlCondition:
    part = _as(_Writer(statuses, attributes).write(_tree(text)), "truth")
    return SqlCondition(part.sql, part.uses_now, part.wide(), _trend_parts(part))


def _trend_parts(part: "_Part") -> TrendParts | None:
    found: dict[int, list[str]] = {FREE: [], RISING: [], FALLING: []}
    for one in _conjuncts(part):
        if one.trend is None:
            return None
        found[one.trend].append(one.sql)
    stays, rises, falls = (f"({' AND '.join(found[trend])})" if found[trend] else "true" for trend in found)
    return TrendParts(stays, rises, falls)


def _conjuncts(part: "_Part") -> Iterator["_Part"]:
    if not part.members:
        yield part
    for member in part.members:
        yield from _conjuncts(member)


def _tree(text: str) -> Node:
    """Return the one expression that the text is, as DuckDB parses it. Raises ConditionInvalid."""
    with _PARSER_LOCK:
        row = _parser().execute("SELECT json_serialize_sql('SELECT ' || ?::VARCHAR)", [text]).fetchone()
    answer: Node = orjson.loads(row[0]) if row else {"error": True}
    if answer["error"] or len(answer["statements"]) != 1:
        raise ConditionInvalid(
            Message("condition_not_sql", given=text, detail=answer.get("error_message", "several statements"))
        )
    node = answer["statements"][0]["node"]
    alone = node["type"] == "SELECT_NODE" and len(node["select_list"]) == 1 and not node["select_list"][0]["alias"]
    clauses = ("modifiers", "where_clause", "group_expressions", "having", "sample", "qualify")
    if not alone or node["from_table"]["type"] != "EMPTY" or any(node[c] for c in clauses) or node["cte_map"]["map"]:
        raise ConditionInvalid(Message("condition_more", given=text))
    expression: Node = node["select_list"][0]
    return expression


class _Writer:
    """Writes SQL for nodes of the parser's tree. Each method raises ConditionInvalid."""

    def __init__(self, statuses: tuple[str, ...], attributes: tuple[str, ...]) -> None:
        self._statuses = statuses
        self._attributes = attributes

    def write(self, node: Node) -> _Part:
        match node["class"]:
            case "COLUMN_REF":
                return self._column(node["column_names"])
            case "CONSTANT":
                return _constant(node["value"])
            case "CAST":
                return _cast_constant(node)
            case "CONJUNCTION":
                word = " AND " if node["type"] == "CONJUNCTION_AND" else " OR "
                parts = [_as(self.write(child), "truth") for child in node["children"]]
                loose = word.join(part.wide() for part in parts)
                whole = _Part(f"({word.join(p.sql for p in parts)})", "truth", _now(parts), f"({loose})")
                trend = together(*(part.trend for part in parts))
                return replace(whole, trend=trend, members=tuple(parts) if "AND" in word else ())
            case "COMPARISON" if node["type"] in _COMPARISONS:
                left, right = self._alike([node["left"], node["right"]])
                sign = _COMPARISONS[node["type"]]
                trend = compared(sign, left.trend, right.trend)
                return _Part(f"({left.sql} {sign} {right.sql})", "truth", _now([left, right]), trend=trend)
            case "BETWEEN":
                parts = self._alike([node["input"], node["lower"], node["upper"]])
                sql = "({} BETWEEN {} AND {})".format(*(part.sql for part in parts))
                return _Part(sql, "truth", _now(parts), trend=fixed(*(part.trend for part in parts)))
            case "OPERATOR":
                return self._operator(node)
            case "FUNCTION":
                return self._function(node)
        raise ConditionInvalid(Message("condition_not_allowed", kind=node["class"].lower()))

    def _column(self, names: list[str]) -> _Part:
        name = names[-1]
        if len(names) == 2 and names[0] == "attributes" and name in self._attributes:
            return _Part(name, "attribute")
        if len(names) == 1:
            if name == "now":
                return _Part('"now"', "time", uses_now=True, trend=RISING)
            if name in TIME_COLUMNS:
                return _Part(f'"{name}"', "time")
            if name in TEXT_COLUMNS:
                return _Part(f'"{name}"', "text")
            if name in NUMBER_COLUMNS:
                return _Part(f'"{name}"', "number")
            if name in self._attributes:
                return _Part(name, "attribute")
        known = (*TEXT_COLUMNS, *TIME_COLUMNS, *NUMBER_COLUMNS, "now", *self._attributes)
        full = ".".join(names)
        raise ConditionInvalid(
            Message("condition_no_column", given=full, known=", ".join(known), nearest=closest(full, known))
        )

    def _operator(self, node: Node) -> _Part:
        kind, children = node["type"], node["children"]
        if kind in ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"):
            part = self.write(children[0])
            part = _as(part, "text") if part.kind == "attribute" else part
            sql = f"({part.sql} IS {'NOT ' if 'NOT' in kind else ''}NULL)"
            return _Part(sql, "truth", part.uses_now, trend=fixed(part.trend))
        if kind == "OPERATOR_NOT":
            part = _as(self.write(children[0]), "truth")
            return _Part(f"(NOT {part.sql})", "truth", part.uses_now, trend=flipped(part.trend))
        if kind in ("COMPARE_IN", "COMPARE_NOT_IN"):
            parts = self._alike(children)
            word = "IN" if kind == "COMPARE_IN" else "NOT IN"
            sql = f"({parts[0].sql} {word} ({', '.join(part.sql for part in parts[1:])}))"
            return _Part(sql, "truth", _now(parts), trend=fixed(*(part.trend for part in parts)))
        if kind == "OPERATOR_COALESCE":
            parts = self._alike(children)
            sql = f"coalesce({', '.join(part.sql for part in parts)})"
            return _Part(sql, parts[0].kind, _now(parts), trend=fixed(*(part.trend for part in parts)))
        raise ConditionInvalid(Message("condition_operator", operator=kind))

    def _function(self, node: Node) -> _Part:
        name, children = node["function_name"], node["children"]
        if name in _DURATIONS:
            return _duration(name, children[0])
        parts = [self.write(child) for child in children]
        if name in _LIKES:
            left, right = (_as(part, "text") for part in parts)
            return _Part(f"({left.sql} {_LIKES[name]} {right.sql})", "truth")
        if name in ("+", "-", "*", "/") and len(parts) == 2:
            kinds = (parts[0].kind, parts[1].kind)
            if name in "+-" and kinds == ("time", "duration"):
                return _Part(f"({parts[0].sql} {name} {parts[1].sql})", "time", _now(parts), trend=parts[0].trend)
            left, right = (_as(part, "number") for part in parts)
            if name in "+-":
                trend = together(left.trend, right.trend if name == "+" else flipped(right.trend))
                return _Part(f"({left.sql} {name} {right.sql})", "number", _now(parts), trend=trend)
            divisor = (
                f"nullif({right.sql}, 0)" if name == "/" else right.sql
            )  # by zero: null, so that the case is left out
            trend = fixed(left.trend, right.trend)
            return _Part(f"({left.sql} {name} {divisor})", "number", _now(parts), trend=trend)
        if name == "-" and len(parts) == 1:
            return _Part(f"(-{_as(parts[0], 'number').sql})", "number", _now(parts), trend=flipped(parts[0].trend))
        if name in _TEXT_FUNCTIONS and len(parts) == 1:
            return _Part(f"{name}({_as(parts[0], 'text').sql})", _TEXT_FUNCTIONS[name])
        if name in _NUMBER_FUNCTIONS and len(parts) == 1:
            trend = fixed(parts[0].trend) if name == "abs" else parts[0].trend
            return _Part(f"{name}({_as(parts[0], 'number').sql})", "number", _now(parts), trend=trend)
        if name == "working_days" and len(parts) == 2:
            since, until = (_as(part, "time") for part in parts)
            trend = together(flipped(since.trend), until.trend)
            return _Part(working_days(since.sql, until.sql), "number", _now(parts), trend=trend)
        if name == "add_working_days" and len(parts) == 2:
            since, days = _as(parts[0], "time"), _as(parts[1], "number")
            trend = fixed(since.trend, days.trend)
            return _Part(add_working_days(since.sql, days.sql), "time", _now(parts), trend=trend)
        allowed = (*_TEXT_FUNCTIONS, *_NUMBER_FUNCTIONS, "coalesce", "working_days", "add_working_days")
        raise ConditionInvalid(Message("condition_function", name=name, allowed=", ".join(allowed)))

    def _alike(self, nodes: list[Node]) -> list[_Part]:
        """Return parts of one kind: attributes take that of the others; several attributes alone are texts."""
        parts = [self.write(node) for node in nodes]
        kind = next((part.kind for part in parts if part.kind not in ("attribute", "null")), "text")
        parts = [_as(part, kind) for part in parts]
        if '"status"' in (part.sql for part in parts):
            for node in nodes:
                word = node.get("value", {}).get("value") if node["class"] == "CONSTANT" else None
                if isinstance(word, str) and word not in self._statuses:
                    raise ConditionInvalid(
                        Message(
                            "condition_no_status",
                            nearest=closest(word, self._statuses),
                            given=word,
                            known=", ".join(self._statuses),
                        )
                    )
        return parts


def _now(parts: list[_Part]) -> bool:
    return any(part.uses_now for part in parts)


def _as(part: _Part, kind: str) -> _Part:
    """Return the part as that kind. Raises ConditionInvalid when it is of another kind."""
    if part.kind == "attribute":
        if kind not in _SQL_TYPES:
            raise ConditionInvalid(Message("condition_attribute_time", given=part.sql))
        return _Part(attribute(part.sql, kind), kind)
    if part.kind not in (kind, "null"):
        raise ConditionInvalid(Message("condition_kind", given=part.sql, kind=part.kind, needed=kind))
    return part


def _constant(value: Node) -> _Part:
    name = value["type"]["id"]
    if value["is_null"]:
        return _Part("NULL", "null")
    if name == "VARCHAR":
        return _Part("'" + value["value"].replace("'", "''") + "'", "text")
    if name == "BOOLEAN":
        return _Part(str(value["value"]).lower(), "truth")
    if name == "DECIMAL":
        scale = value["type"]["type_info"]["scale"]
        return _Part(repr(int(value["value"]) / 10**scale), "number")
    if name in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DOUBLE", "FLOAT"):
        return _Part(repr(value["value"]), "number")
    raise ConditionInvalid(Message("condition_constant", type=name))


def _cast_constant(node: Node) -> _Part:
    """Return `true` and `false`, which the parser gives as casts of 't' and 'f'; no other cast is allowed."""
    child = node["child"]
    if node["cast_type"]["id"] == "BOOLEAN" and child["class"] == "CONSTANT" and child["value"]["value"] in ("t", "f"):
        return _Part("true" if child["value"]["value"] == "t" else "false", "truth")
    if node["cast_type"]["id"] == "INTERVAL":
        raise ConditionInvalid(_DURATION_FORM)
    raise ConditionInvalid(Message("condition_cast"))


def _duration(name: str, node: Node) -> _Part:
    """Return a duration such as INTERVAL 3 DAY; the parser wraps its number in casts."""
    while node["class"] in ("CAST", "FUNCTION"):
        node = node["child"] if node["class"] == "CAST" else node["children"][0]
    number = _constant(node["value"]) if node["class"] == "CONSTANT" else None
    if number is None or not number.sql.isdigit():
        raise ConditionInvalid(_DURATION_FORM)
    return _Part(f"to_seconds({int(number.sql) * _DURATIONS[name]})", "duration")
