"""Tries to get out of a real confined process: refused or bounded, nothing written or read, the next one works."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from ioc.clock import FixedClock
from ioc.lab.query import Query, QueryLimits, State
from ioc.lab.sql_service import SqlService
from ioc.settings import Settings
from tests.support.filled_lab import NOW, SECRET, published
from tests.support.lab_escapes import ESCAPES, SECRET_TEXT, Escape

LIMITS = QueryLimits(seconds=30.0, memory_mb=96, rows=2_000, bytes=8 << 20, spill_mb=48)
SOON_S = 0.4
"""Of processor time, for what would never end by itself."""
PATIENCE_S = 120


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("escapes")
    published(folder, days=20)
    (folder / "secret.txt").write_text(SECRET_TEXT)
    (folder / "lab" / "published" / "link.txt").symlink_to(folder / "secret.txt")
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asking(data_dir: Path) -> AsyncIterator[SqlService]:
    made = SqlService.of(Settings(data_dir=data_dir), FixedClock(NOW), LIMITS)
    made.start()
    yield made
    await made.close()


def of(expects: str) -> list[Escape]:
    return [escape for escape in ESCAPES if escape.expects == expects]


def filled_in(escape: Escape, data_dir: Path) -> str:
    if "{" not in escape.sql:
        return escape.sql
    return escape.sql.format(
        secret=data_dir / "secret.txt",
        target=data_dir / "written",
        archive=data_dir / "lab" / "published" / "minutes",
        link=data_dir / "lab" / "published" / "link.txt",
        store=data_dir / "snapshots",
        people=data_dir / "people.db",
    )


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file that was there before must stay as it is, and no other may come."""
    return {
        str(path): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
        if not any(part in ("work", "results") or part.startswith("saved.db") for part in path.parts) and path.is_file()
    }


async def ask(asking: SqlService, sql: str) -> Query:
    query = asking.queries.submit("an", sql, {}, rows=LIMITS.rows)
    await asyncio.wait_for(query.ended.wait(), PATIENCE_S)
    return query


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("escape", of("refused"), ids=lambda escape: escape.id)
async def test_nothing_gets_out(asking: SqlService, data_dir: Path, escape: Escape) -> None:
    before = state_of(data_dir)
    processes = asking.queries.processes()
    query = await ask(asking, filled_in(escape, data_dir))
    assert (query.state, query.kind) == (State.FAILED, "sql")
    assert query.error
    assert SECRET_TEXT not in query.error["message"]
    assert state_of(data_dir) == before
    assert set(processes) <= set(asking.queries.processes()), "it broke the process down"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("escape", of("bounded"), ids=lambda escape: escape.id)
async def test_what_takes_more_than_its_share_is_bounded(asking: SqlService, data_dir: Path, escape: Escape) -> None:
    before = state_of(data_dir)
    asking.queries.limits = replace(LIMITS, seconds=SOON_S)
    try:
        query = await ask(asking, escape.sql)
    finally:
        asking.queries.limits = LIMITS
    assert query.state is State.FAILED or (query.row_count or 0) <= LIMITS.rows
    if query.result is not None:
        assert query.result.stat().st_size < LIMITS.bytes * 1.2
    assert state_of(data_dir) == before
    after = await ask(asking, "SELECT count(*) AS n FROM units")
    assert after.state is State.DONE


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_private_is_in_no_view_and_in_no_table(asking: SqlService, data_dir: Path) -> None:
    tables = await ask(asking, "SELECT table_name FROM information_schema.tables")
    assert tables.state is State.DONE
    seen = await ask(asking, "SELECT DISTINCT attributes FROM cases")
    assert seen.state is State.DONE
    for file in (data_dir / "lab" / "published").rglob("*.duckdb"):
        assert SECRET.encode() not in file.read_bytes()


def test_there_are_enough_tries() -> None:
    assert len(ESCAPES) >= 100
    assert len({escape.id for escape in ESCAPES}) == len(ESCAPES)
