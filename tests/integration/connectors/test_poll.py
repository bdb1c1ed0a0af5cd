"""What an HTTP poll asks a REST source, over real HTTP: paging to its end, credentials, waits."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.base import ConnectorContext, SourcePage, build_intake
from connectors.configuration import read_source
from connectors.deduplication import unmarked
from connectors.http_poll import HttpPoll
from connectors.known_keys import KnownKeys
from connectors.row_keys import RowMemory
from ioc.clock import SystemClock
from ioc.errors import SourceUnavailable
from ioc.settings import VIETNAM
from tests.integration.connectors.scripted_server import Reply, Request, scripted_server
from tests.support.catalogs import hue

HEAD = 'name = { vi = "Thử", en = "Test" }\nkind = "http_poll"\n'
MAPPING = (
    '[mapping]\nunit = "commune"\nsubject = "station"\ntime = "at"\nmeasure = { constant = "air.pm25" }\nvalue = "v"\n'
)


def poll(tmp_path: Path, url: str, settings: str = "", mapping: str = "") -> HttpPoll:
    (tmp_path / "rest.toml").write_text(f'{HEAD}[poll]\nurl = "{url}"\n{settings}\n{mapping}', encoding="utf-8")
    context = ConnectorContext(hue().vocabulary, SystemClock(), VIETNAM, tmp_path)
    return HttpPoll(read_source(tmp_path / "rest.toml"), context)


def fresh(page: SourcePage, known: KnownKeys) -> SourcePage:
    """The page without the rows that were taken before; the others are from now on."""
    assert page.identity is not None
    memory = RowMemory(page.identity, [content for _, content in page.rows], 1, known.knows, compares_all=True)
    page.identity.counter.confirm()
    known.classify(unmarked(memory.to_remember()))
    rows = [row for row, settled in zip(page.rows, memory.settled, strict=True) if not settled]
    return replace(page, rows=rows, duplicate=len(page.rows) - len(rows))


async def rounds(
    connector: HttpPoll, count: int = 1, position: Any = None, known: KnownKeys | None = None
) -> tuple[list[SourcePage], list[str]]:
    """The pages of so many rounds without known rows, as the runner asks for them, and the faults that ended rounds."""
    pages, faults = list[SourcePage](), list[str]()
    known = known or KnownKeys()
    for _ in range(count):
        try:
            async for page in connector.fetch(position):
                pages.append(fresh(page, known))
                position = page.position
        except SourceUnavailable as fault:
            faults.append(str(fault))
    return pages, faults


def rows_of(pages: list[SourcePage]) -> list[int]:
    return [row["n"] for page in pages for row, _ in page.rows]  # type: ignore[index]


def numbered(first: int, behind: int) -> list[dict[str, int]]:
    return [{"n": n} for n in range(first, behind)]


def capped(request: Request) -> Reply:
    """230 rows, at most 50 a page whatever is asked for."""
    first = (int(request.query["page"]) - 1) * 50 if "page" in request.query else int(request.query["offset"])
    return Reply(numbered(first, min(first + 50, 230)))


@pytest.mark.parametrize("kind", ["page", "offset"])
async def test_a_server_that_caps_its_pages_gives_all_rows(tmp_path: Path, kind: str) -> None:
    with scripted_server(capped) as server:
        paging = f'paging = {{ kind = "{kind}", size_parameter = "size", size = 100 }}'
        pages, faults = await rounds(poll(tmp_path, f"{server.url}/rows?district=474", paging))
    assert rows_of(pages) == list(range(230))
    assert not faults
    assert {request.query.get("district") for request in server.requests} == {"474"}
    assert {request.query["size"] for request in server.requests} == {"100"}


async def test_the_same_rows_in_every_round_count_once(tmp_path: Path) -> None:
    """More rows than one page, two of them equal, in ever new processes; a row that is new counts."""
    events = [{"n": n, "kind": "passage"} for n in range(3000)] + [{"n": 7, "kind": "passage"}]

    def answer(request: Request) -> Reply:
        first = int(request.query["offset"])
        return Reply(events[first : first + 1000])

    known, position, taken = KnownKeys(), None, 0
    paging = 'paging = { kind = "offset", size_parameter = "size", size = 1000 }'
    with scripted_server(answer) as server:
        for _ in range(4):
            pages, faults = await rounds(poll(tmp_path, server.url, paging), 2, position, known)
            assert not faults
            position = pages[-1].position
            taken += len(rows_of(pages))
        assert taken == 3001
        events.append({"n": 3000, "kind": "passage"})
        pages, _ = await rounds(poll(tmp_path, server.url, paging), 1, position, known)
    assert rows_of(pages) == [3000]


async def test_a_round_of_more_rows_than_can_be_known_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.http_poll.connector.MAX_ROUND_ROWS", 100)
    with scripted_server(capped) as server:
        pages, faults = await rounds(poll(tmp_path, server.url, 'paging = { kind = "offset" }'))
    assert len(rows_of(pages)) == 100
    assert "configure poll.since" in faults[0]


async def test_a_page_behind_the_last_may_be_404(tmp_path: Path) -> None:
    def answer(request: Request) -> Reply:
        page = int(request.query["page"])
        return Reply(numbered(page * 10, page * 10 + 10)) if page < 4 else Reply(status=404)

    with scripted_server(answer) as server:
        pages, faults = await rounds(poll(tmp_path, server.url, 'paging = { kind = "page", first = 0 }'), 2)
    assert rows_of(pages) == list(range(40))
    assert not faults


def repeating(request: Request) -> Reply:
    """Two pages; whatever lies behind them is the second again."""
    return Reply(numbered(0, 10) if request.query["page"] == "1" else numbered(10, 20))


def ignoring(_: Request) -> Reply:
    return Reply(numbered(0, 20))


def standing(request: Request) -> Reply:
    """A cursor that comes to stand still, with rows."""
    return Reply({"rows": numbered(10, 20) if "cursor" in request.query else numbered(0, 10), "next_cursor": "b"})


def circling(request: Request) -> Reply:
    """Links in a circle, whose rows differ each time."""
    page = int(request.query.get("page", "1"))
    return Reply({"rows": numbered((page - 1) * 10, page * 10), "next": f"/rows?page={page % 2 + 1}"})


@pytest.mark.parametrize(
    ("answer", "settings"),
    [
        pytest.param(repeating, 'paging = { kind = "page" }', id="the last page again and again"),
        pytest.param(ignoring, 'paging = { kind = "offset" }', id="the parameter is ignored"),
        pytest.param(standing, 'items = "rows"\npaging = { kind = "cursor" }', id="a cursor that stands still"),
        pytest.param(circling, 'items = "rows"\npaging = { kind = "next_link" }', id="links in a circle"),
    ],
)
async def test_paging_without_an_end_is_a_fault_and_counts_nothing_twice(
    tmp_path: Path, answer: Any, settings: str
) -> None:
    with scripted_server(answer) as server:
        connector = poll(tmp_path, f"{server.url}/rows", f'every = "15m"\n{settings}')
        known = KnownKeys()
        pages, faults = await rounds(connector, 4, known=known)
        assert rows_of(pages) == list(range(20))
        assert len(faults) == 4
        assert all("does not end" in fault and "poll.paging" in fault for fault in faults)
        assert len(server.requests) <= 12
        resumed = poll(tmp_path, f"{server.url}/rows", settings)
        pages, _ = await rounds(resumed, 2, pages[-1].position, known)
        assert rows_of(pages) == [], "nor after a new start"


async def test_new_rows_come_in_although_the_paging_does_not_end(tmp_path: Path) -> None:
    with scripted_server(repeating) as server:
        connector, known = poll(tmp_path, server.url, 'paging = { kind = "page" }'), KnownKeys()
        pages, _ = await rounds(connector, known=known)
        server.answer = lambda request: Reply(
            numbered(0, 9) + numbered(20, 21) if request.query["page"] == "1" else numbered(10, 20)
        )
        more, _ = await rounds(connector, 1, pages[-1].position, known)
    assert rows_of(more) == [20]


async def test_a_fast_server_of_empty_pages_is_given_up(tmp_path: Path) -> None:
    with scripted_server(
        lambda request: Reply({"rows": [], "next_cursor": request.query.get("cursor", "") + "a"})
    ) as s:
        _, faults = await rounds(poll(tmp_path, s.url, 'items = "rows"\npaging = { kind = "cursor" }'))
    assert "empty pages" in faults[0]
    assert len(s.requests) < 110


SECRETS = 'headers = { X-API-Key = "k-1", Authorization = "Bearer k-2", Cookie = "k-3" }'


async def test_no_secret_crosses_to_another_server(tmp_path: Path) -> None:
    with scripted_server(lambda _: Reply(numbered(0, 1))) as other:
        target = {"Location": f"{other.url}/elsewhere", "Set-Cookie": "session=k-4"}
        with scripted_server(lambda _: Reply(status=302, headers=target)) as server:
            pages, _ = await rounds(poll(tmp_path, server.url, SECRETS))
    assert rows_of(pages) == [0]
    assert server.requests[0].headers["X-API-Key"] == "k-1"
    assert not any("k-" in value for value in other.requests[0].headers.values())


async def test_a_redirect_within_the_server_keeps_the_headers(tmp_path: Path) -> None:
    def answer(request: Request) -> Reply:
        moved = Reply(status=308, headers={"Location": "/new"})
        return moved if request.path == "/old" else Reply(numbered(0, 1))

    with scripted_server(answer) as server:
        pages, _ = await rounds(poll(tmp_path, f"{server.url}/old", SECRETS))
    assert rows_of(pages) == [0]
    assert server.requests[1].headers["X-API-Key"] == "k-1"


async def test_another_server_that_wants_a_credential_is_named(tmp_path: Path) -> None:
    with (
        scripted_server(lambda _: Reply(status=401)) as other,
        scripted_server(lambda _: Reply(status=302, headers={"Location": f"{other.url}/x?t=s"})) as server,
    ):
        _, faults = await rounds(poll(tmp_path, server.url, SECRETS))
    assert f"redirects to {other.url}/x, and headers are not sent to another server" in faults[0]


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/x", "file:///etc/passwd"])
async def test_a_redirect_to_what_is_not_the_web_is_refused(tmp_path: Path, location: str) -> None:
    with scripted_server(lambda _: Reply(status=302, headers={"Location": location})) as server:
        _, faults = await rounds(poll(tmp_path, server.url))
    assert "not a web address" in faults[0]


async def test_a_next_page_on_another_server_is_not_asked_for(tmp_path: Path) -> None:
    with (
        scripted_server(lambda _: Reply(numbered(0, 1))) as other,
        scripted_server(lambda _: Reply({"rows": numbered(0, 2), "next": f"{other.url}/2"})) as server,
    ):
        settings = f'items = "rows"\npaging = {{ kind = "next_link" }}\n{SECRETS}'
        pages, faults = await rounds(poll(tmp_path, server.url, settings), 2)
    assert rows_of(pages) == [0, 1]
    assert "another server" in faults[0]
    assert not other.requests


@pytest.mark.parametrize(
    ("reply", "wait_s", "sentence"),
    [
        pytest.param(Reply(status=429, headers={"Retry-After": "1200"}), 1200, "asks to wait 1200 s", id="longer"),
        pytest.param(Reply(status=429, headers={"Retry-After": "120"}), 900, "polled too often", id="every is kept"),
        pytest.param(Reply(status=429), 900, "polled too often", id="429 alone"),
        pytest.param(Reply(status=503, headers={"Retry-After": "120"}), 120, "asks to wait 120 s", id="maintenance"),
        pytest.param(Reply(status=503), 0, "503", id="the runner's own back-off"),
        pytest.param(Reply(status=401), 900, "credential in poll.headers is wrong", id="credential"),
        pytest.param(Reply(status=403), 900, "credential in poll.headers is wrong", id="forbidden"),
        pytest.param(Reply(status=404), 900, "check poll.url", id="address"),
    ],
)
async def test_how_long_to_wait(tmp_path: Path, reply: Reply, wait_s: float, sentence: str) -> None:
    with scripted_server(lambda _: reply) as server:
        connector = poll(tmp_path, f"{server.url}/rows?key=secret", f'every = "15m"\n{SECRETS}')
        with pytest.raises(SourceUnavailable, match=sentence) as fault:
            await anext(aiter(connector.fetch(None)))
    assert fault.value.retry_in_s == wait_s
    assert "secret" not in str(fault.value)
    assert connector.max_wait_s == 900


ROWS = (
    '[{{"commune":"19753","station":"A","at":"{0}","v":31.5}},{{"commune":"19753","station":"B","at":"{0}","v":NaN}},'
)
ROWS += '{{"commune":"19753","station":"C","at":"{0}","v":12}}]'
NOON = "2026-11-22T12:00:00+07:00"


@pytest.mark.parametrize(
    ("body", "values", "refused"),
    [
        pytest.param(ROWS.format(NOON).encode(), [31.5, 12], [(1, "not_finite")], id="NaN"),
        pytest.param(ROWS.replace("NaN", "7").format(NOON).encode("utf-8-sig"), [31.5, 7, 12], [], id="a mark"),
        pytest.param(ROWS.replace("NaN", "7,").format(NOON).encode(), [31.5, 12], [(1, "malformed")], id="a comma"),
        pytest.param(
            ROWS.format(NOON).replace("},{", "}\n{").strip("[]").encode(), [31.5, 12], [(1, "not_finite")], id="lines"
        ),
    ],
)
async def test_a_broken_row_costs_only_itself(
    tmp_path: Path, body: bytes, values: list[float], refused: list[tuple[int, str]]
) -> None:
    with scripted_server(lambda _: Reply(body)) as server:
        connector = poll(tmp_path, server.url, mapping=MAPPING)
        pages, faults = await rounds(connector, 2)
    assert not faults
    assert not pages[1].rows
    assert pages[1].duplicate == 3, "the same rows again"
    intake = build_intake(pages[0], connector.mapping, connector.context)
    assert intake.readings is not None
    assert intake.readings.column("value").to_pylist() == values
    assert [(rejection.index, rejection.reason) for rejection in intake.rejections] == refused
    assert all(b'"station":"B"' in rejection.content for rejection in intake.rejections)


async def test_an_answer_that_trickles_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def trickle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(200):
            writer.write(b" ")
            await asyncio.sleep(0.02)

    monkeypatch.setattr("connectors.http_poll.transport.WHOLE_ANSWER_TIMEOUTS", 1)
    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    _, faults = await rounds(poll(tmp_path, f"http://127.0.0.1:{port}", 'timeout = "200ms"'))
    server.close()
    assert "did not answer within" in faults[0]
