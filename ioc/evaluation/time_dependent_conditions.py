"""Cases whose condition changes with time: find by bisection from when to when it holds.

A condition such as `due_at < now` becomes true once and stays true. In a range of points, its first true one is found
in as many steps as the number of points has binary digits; rising and falling conditions are searched separately.
"""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from ioc.catalog.conditions import TrendParts
from ioc.catalog.working_time import working_days
from ioc.evaluation.case_sql import unpacked
from ioc.evaluation.case_versions import Moment
from ioc.store.times import naive

TURNED = "turned"


def knows_calendar(cursor: duckdb.DuckDBPyConnection, moments: Sequence[Moment]) -> bool:
    """Return whether all the moments lie in the working calendar; beyond it a count of working days is null."""
    first, last = (f"TIMESTAMP '{naive(moments[position].time)}'" for position in (0, -1))
    query = f"SELECT {working_days(first, last)} IS NOT NULL FROM working_calendar"
    return bool(cursor.execute(query).fetchall()[0][0])


def cut_to_turns(
    cursor: duckdb.DuckDBPyConnection, held: str, turns: TrendParts, moments: Sequence[Moment], calendar: str
) -> str:
    """Create a table of the rows of `held`, each cut to the points at which the rising and falling conditions are true.

    The columns are `first_point` and `last_point`; rows without such a point are left out. `calendar` is joined where
    they need it.
    """
    nows = pa.array([[naive(moment.time) for moment in moments]], pa.list_(pa.timestamp("us")))
    cursor.register("nows", pa.table({"nows": nows}))
    steps = len(moments).bit_length() + 1
    rises, falls = unpacked(turns.rises)[0], unpacked(turns.falls)[0]
    try:
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE {TURNED} AS SELECT * FROM {held}")
        if turns.rises != "true":
            _cut(cursor, rises, calendar, steps, ends="last_point", moves="first_point")
        if turns.falls != "true":
            _cut(cursor, falls, calendar, steps, ends="first_point", moves="last_point")
    finally:
        cursor.unregister("nows")
    return TURNED


def _cut(cursor: duckdb.DuckDBPyConnection, truth: str, calendar: str, steps: int, *, ends: str, moves: str) -> None:
    """Cut each row at one end.

    The condition is true at the end `ends`, or nowhere; the column `moves` goes to the farthest true point.
    """
    forward = moves == "first_point"
    middle = "(lo + hi) // 2" if forward else "(lo + hi + 1) // 2"
    met = ("lo", "middle") if forward else ("middle", "hi")
    missed = ("least(middle + 1, hi)", "hi") if forward else ("lo", "greatest(middle - 1, lo)")
    at_end = f'SELECT r.*, first_point AS lo, last_point AS hi FROM (SELECT t.*, nows[{ends} + 1] AS "now" '
    found = f"{at_end} FROM {TURNED} t, nows) r{calendar} WHERE {truth}"
    found = f'SELECT * EXCLUDE ("now") FROM ({found})'
    chain = [f"s0 AS MATERIALIZED ({found})"]
    for step in range(steps):
        looked = f'SELECT s.*, {middle} AS middle, nows[{middle} + 1] AS "now" FROM s{step} s, nows'
        sides = ", ".join(
            f"CASE WHEN {truth} THEN {yes} ELSE {no} END AS {side}"
            for side, yes, no in zip(("lo", "hi"), met, missed, strict=True)
        )
        chain.append(
            f's{step + 1} AS MATERIALIZED (SELECT m.* EXCLUDE (lo, hi, middle, "now"), {sides} '
            f"FROM ({looked}) m{calendar})"
        )
    side = "lo" if forward else "hi"
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE {TURNED} AS WITH {', '.join(chain)} "
        f"SELECT * EXCLUDE (lo, hi) REPLACE ({side} AS {moves}) FROM s{steps}"
    )
