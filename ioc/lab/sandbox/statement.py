"""Check with DuckDB's own parser, before anything runs, that the SQL is one statement that only reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import orjson

from ioc.messages import Message

LONGEST_BYTES = 100_000
TABLE_FUNCTIONS = frozenset({
    "range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree", "summary",
    "duckdb_columns", "duckdb_views", "duckdb_functions", "duckdb_keywords", "duckdb_types", "pragma_table_info",
})  # fmt: skip
"""Allowed table functions. All others read files, other databases or the process itself."""
_NEVER = frozenset({
    "query", "query_table", "getenv", "getvariable", "read_text", "read_blob", "json_execute_serialized_sql",
    "from_json_serialized_sql", "write_log", "parse_duckdb_log_message", "nextval", "currval", "current_setting",
    "pg_read_file", "in_search_path", "sleep_ms",
})  # fmt: skip
_HIDDEN_SCHEMAS = frozenset({"kept"})
_SYSTEM_TABLES = re.compile(
    r"duckdb_(secrets|settings|databases|logs?|log_contexts|memory|temporary_files|tables|indexes|extensions|connections)"
    r"|sqlite_.*|pragma_.*|pg_(settings|authid|shadow|user|roles|stat.*)",
    re.IGNORECASE,
)
_EXPLAIN = re.compile(r"\s*explain(?:\s+analyze)?(?:\s*\([^)]*\))?\s+", re.IGNORECASE)
_DESCRIBE = re.compile(r'\s*(?:describe|desc)\s+(?:table\s+)?"?([a-z_]\w*)"?\s*;?\s*', re.IGNORECASE)
_COMMENT = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)


@dataclass(frozen=True)
class Refusal(Exception):
    """A refused statement.

    `offset_bytes` is the position in the SQL, None when there is none; `message` is a sentence.
    """

    message: Message
    offset_bytes: int | None = None


@dataclass(frozen=True)
class ReadStatement:
    """A statement to run; `parameters` are the names that it needs."""

    sql: str
    parameters: frozenset[str]


def read_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> ReadStatement:
    """Parse and check SQL.

    Raises Refusal, and duckdb.Error where DuckDB's parser has its own message.
    """
    if len(sql.encode()) > LONGEST_BYTES:
        raise Refusal(Message("sql_long", limit=LONGEST_BYTES // 1000))
    if "\0" in sql:
        raise Refusal(Message("sql_nul"), sql.encode().index(b"\0"))
    statements = connection.extract_statements(sql)
    if not statements:
        raise Refusal(Message("sql_empty"), 0)
    if len(statements) > 1:
        raise Refusal(*_of_several(statements, sql))
    only = statements[0]
    kind = only.type.name
    begin = _COMMENT.match(sql)
    start = len(sql[: begin.end() if begin else 0].encode())
    if kind not in ("SELECT", "EXPLAIN"):
        raise Refusal(Message("sql_not_query", kind=_word(kind)), start)
    text = only.query
    if described := _DESCRIBE.fullmatch(text):
        return ReadStatement(_description_of(described[1]), frozenset())
    _check_tree(connection, text, start, is_explained=kind == "EXPLAIN")
    return ReadStatement(text, frozenset(only.named_parameters))


def _of_several(statements: list[Any], sql: str) -> tuple[Message, int]:
    if any(one.type.name == "CREATE" and not one.query for one in statements):
        return Message("sql_pivot"), 0
    second = statements[1].query
    place = sql.encode().find(second.encode(), len(statements[0].query.encode()))
    begin = _COMMENT.match(second)
    skipped = len(second[: begin.end() if begin else 0].encode())
    return Message("sql_several", count=len(statements)), max(place, 0) + skipped


def _word(kind: str) -> str:
    return kind.replace("_", " ")


def _description_of(table: str) -> str:
    """Return the SQL that stands in for DESCRIBE, with the meaning of each column."""
    name = table.replace("'", "''")
    return (
        "SELECT column_name, data_type AS column_type, comment AS meaning FROM duckdb_columns() "
        f"WHERE schema_name = 'main' AND lower(table_name) = lower('{name}') ORDER BY column_index"
    )


def _check_tree(connection: duckdb.DuckDBPyConnection, text: str, start: int, *, is_explained: bool) -> None:
    inner = text
    if is_explained:
        head = _EXPLAIN.match(text, _end_of_comment(text))
        inner = text[head.end() :] if head else text
        of = connection.extract_statements(inner)
        if not head or len(of) != 1 or of[0].type.name != "SELECT":
            raise Refusal(Message("sql_explain"), start)
    skipped = len(text.encode()) - len(inner.encode())
    tree = orjson.loads(connection.execute("SELECT json_serialize_sql($1)", [inner]).fetchall()[0][0])
    if tree.get("error"):
        raise Refusal(Message("sql_unreadable", detail=tree.get("error_message", "")), start)
    for node in _nodes(tree):
        _check_node(node, skipped)


def _end_of_comment(text: str) -> int:
    found = _COMMENT.match(text)
    return found.end() if found else 0


def _check_node(node: dict[str, Any], skipped: int) -> None:
    place = node.get("query_location")
    at = place + skipped if isinstance(place, int) and place < 1 << 40 else None
    kind = node.get("type")
    if kind == "TABLE_FUNCTION":
        name = str(node["function"].get("function_name", "")).lower()
        if name not in TABLE_FUNCTIONS:
            raise Refusal(Message("sql_table_function", name=name), at)
    elif kind == "BASE_TABLE":
        schema, name = str(node.get("schema_name", "")).lower(), str(node.get("table_name", ""))
        if schema in _HIDDEN_SCHEMAS or _SYSTEM_TABLES.fullmatch(name):
            raise Refusal(Message("sql_table", schema=schema + "." if schema else "", name=name), at)
    elif node.get("class") == "FUNCTION":
        name = str(node.get("function_name", "")).lower()
        if name in _NEVER or name.startswith(("pg_read", "duckdb_secret")):
            raise Refusal(Message("sql_function", name=name), at)


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of the parse tree."""
    left = [tree]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            yield one
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)
