"""Views of panes, buckets and registers of every level, through which they are read."""

from __future__ import annotations

from importlib.resources import files

import duckdb

_KEYED = {
    "panes": "measure, unit, pane_subject AS subject, {level}, 1::BIGINT, value, value * value, value, value, time_ms, "
    "value, time_ms, value FROM keyed_readings",
    "buckets": "measure, unit, {level}, bucket, 1::BIGINT FROM keyed_readings WHERE bucket IS NOT NULL",
    "registers": "measure, unit, {level}, register, rank FROM keyed_readings WHERE register IS NOT NULL",
}


def make_level_views(cursor: duckdb.DuckDBPyConnection, zone_hours: int) -> None:
    """Make the views in the running transaction.

    Where no source corrects itself they leave `keyed_readings` out, whose planning alone makes each query of the
    evaluation a tenth slower.
    """
    keyed = has_keyed(cursor)
    branches = {
        f"keyed_{level}_{kind}": "\n    UNION ALL SELECT " + sql.format(level=level) if keyed else ""
        for kind, sql in _KEYED.items()
        for level in ("minute", "hour", "day")
    }
    text = files("ioc.store").joinpath("levels.sql").read_text(encoding="utf-8")
    cursor.execute(text.format(zone_hours=zone_hours, **branches))


def has_keyed(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Return whether a reading of a source that corrects itself has ever come."""
    return bool(cursor.execute("SELECT 1 FROM keyed_readings LIMIT 1").fetchall())
