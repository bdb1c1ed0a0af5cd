"""The simulated sector systems over real sockets and folders, read as the connectors read them."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import orjson
import pytest

from connectors.configuration import read_source
from connectors.mapping import RecordMapping
from connectors.mapping_table import read_mapping
from ioc.clock import to_ms
from ioc.demo import feeds
from ioc.demo.calendar import MS_A_MINUTE
from ioc.demo.province import simulated
from ioc.demo.state import FeedProgress
from ioc.demo.systems.day_file import DayFile
from ioc.demo.systems.rest import DOSSIERS_PATH, PETITIONS_PATH
from ioc.demo.world import documents, dossiers, lgsp
from ioc.demo.world.readings import MEASURES
from ioc.errors import RecordUnfit
from ioc.settings import VIETNAM
from ioc.wire.fields import check_case, check_reading
from tests.integration.demo.handed_files import lines_of
from tests.integration.demo.province_answers import handed_files, read_pages
from tests.integration.demo.receiver import eventually
from tests.integration.demo.running_province import NOW, Province
from tests.support.catalogs import hue

pytestmark = pytest.mark.asyncio(loop_scope="module")
VOCABULARY = hue().vocabulary


def mapping_of(province: Province, source: str) -> RecordMapping:
    return read_mapping(read_source(province.settings.sources_dir / f"{source}.toml").mapping, VIETNAM)


async def test_one_stop_shop_gives_every_version_since_it_began(province: Province) -> None:
    rows = await read_pages(province.at.rest + DOSSIERS_PATH)
    true = dossiers.dossiers(province.world, 20_680, 20_781).versions(province.began_at_ms, to_ms(NOW) + 1)
    expected = [(v.case_id, v.updated_ms) for v in (true.version(place) for place in range(len(true)))]
    own = [row for row in rows if row["maDonVi"] in province.world.units]
    given = [(row["maHoSo"], to_ms(datetime.fromisoformat(row["capNhatLuc"]))) for row in own]
    assert sorted(given) == sorted(expected)
    assert len(expected) > 300
    mapping = mapping_of(province, "one-stop-shop")
    for row in rows:
        (record,) = mapping.records(row)
        assert isinstance(record, dict)
        if row["maDonVi"] in province.world.units:
            check_case(record, VOCABULARY, NOW)
        else:
            with pytest.raises(RecordUnfit, match="19756"):
                check_case(record, VOCABULARY, NOW)


async def test_one_stop_shop_since_and_etag(province: Province) -> None:
    address = province.at.rest + DOSSIERS_PATH
    since = (NOW - timedelta(minutes=5)).isoformat()
    rows = await read_pages(address, tu=since)
    assert rows
    assert min(row["capNhatLuc"] for row in rows) >= since
    async with httpx.AsyncClient() as client:
        first = await client.get(address, params={"tu": since})
        again = await client.get(address, params={"tu": since}, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        province.pass_time(timedelta(minutes=1))
        later = await client.get(address, params={"tu": since}, headers={"If-None-Match": first.headers["etag"]})
        assert later.status_code == 200
        assert later.json()["tong"] > first.json()["tong"]


@pytest.mark.parametrize("query", [{"tu": "hôm qua"}, {"trang": "0"}, {"so_dong": "a"}, {"so_dong": "100000"}])
async def test_unreadable_queries_are_400(province: Province, query: dict[str, str]) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(province.at.rest + DOSSIERS_PATH, params=query)
    assert answer.status_code == 400
    assert "Tham số" in answer.json()["loi"]


async def test_petitions_come_20_to_40_minutes_late_and_some_again(province: Province) -> None:
    address = province.at.rest + PETITIONS_PATH
    rows = await read_pages(address)
    mapping = mapping_of(province, "petitions")
    for row in rows:
        seen, happened = (datetime.fromisoformat(row[name]) for name in ("dongBoLuc", "hanhDongLuc"))
        assert timedelta(minutes=20) <= seen - happened < timedelta(minutes=40)
        assert seen <= NOW
        (record,) = mapping.records(row)
        assert isinstance(record, dict)
        check_case(record, VOCABULARY, NOW)
    newest = datetime.fromisoformat(max(row["dongBoLuc"] for row in rows))
    asked = newest + timedelta(seconds=1)
    minute = asked.replace(second=30, microsecond=0)
    plain = next(m for n in range(1, 6) if (m := minute + timedelta(minutes=n)).minute % 5 == 1)
    province.clock.moment = plain
    once = await read_pages(address, tu=asked.isoformat())
    assert newest.isoformat() not in {row["dongBoLuc"] for row in once}
    province.clock.moment = plain - timedelta(minutes=1)
    repeated = await read_pages(address, tu=asked.isoformat())
    assert newest.isoformat() in {row["dongBoLuc"] for row in repeated}


async def test_lgsp_hands_over_what_it_missed_then_each_5_seconds(own_province: Province) -> None:
    pushes = own_province.receiver.pushes
    await eventually(lambda: bool(pushes) and pushes[-1].headers["idempotency-key"].endswith(str(to_ms(NOW) - 300)))
    assert {push.path for push in pushes} == {"/api/v1/ingest/lgsp"}
    token = (own_province.settings.data_dir / "tokens" / "lgsp.token").read_text().strip()
    assert {push.headers["authorization"] for push in pushes} == {f"Bearer {token}"}
    once = {push.headers["idempotency-key"]: push for push in pushes}
    times = [
        r["time"]
        for push in once.values()
        for r in push.records
        if r["measure"] == "lgsp.transactions" and r["value"] != "n/a"
    ]
    units = len(own_province.world.communes)
    assert len(times) == len(set(times)) * units
    assert min(times) == "2026-11-23T01:00:00.000Z"
    count = len(pushes)
    own_province.pass_time(timedelta(seconds=5))
    await eventually(lambda: len(pushes) > count)
    records = [r for r in pushes[count].records if r["value"] != "n/a"]
    begin = to_ms(NOW) - 300
    assert records == list(lgsp.readings(own_province.world, begin, begin + 5000).records(own_province.world))
    for record in records:
        check_reading(record, VOCABULARY, own_province.clock.now())


async def test_lgsp_sends_the_same_again_after_a_refusal(own_province: Province) -> None:
    pushes = own_province.receiver.pushes
    await eventually(lambda: bool(pushes) and pushes[-1].headers["idempotency-key"].endswith(str(to_ms(NOW) - 300)))
    count = len(pushes)
    own_province.receiver.statuses = [503, 202]
    own_province.pass_time(timedelta(seconds=5))
    await eventually(lambda: len(pushes) >= count + 2)
    refused, taken = pushes[count : count + 2]
    assert refused.headers["idempotency-key"] == taken.headers["idempotency-key"]
    assert refused.records == taken.records


async def test_stations_and_counters_publish_and_so_can_anyone(own_province: Province) -> None:
    got: list[tuple[str, dict[str, Any]]] = []
    async with aiomqtt.Client("127.0.0.1", own_province.at.mqtt_port, identifier="test") as client:
        await client.subscribe("#", qos=1)

        async def listen() -> None:
            async for message in client.messages:
                payload = message.payload
                assert isinstance(payload, bytes)
                got.extend([(str(message.topic), orjson.loads(payload))])

        listening = asyncio.create_task(listen())
        mine = {"value": 31.5, "time": "2026-11-23T02:00:00.000Z"}
        async with aiomqtt.Client("127.0.0.1", own_province.at.mqtt_port, identifier="anyone") as anyone:
            await anyone.publish("air/19753/air.pm25/AQ-99", orjson.dumps(mine), qos=1)
        await eventually(lambda: ("air/19753/air.pm25/AQ-99", mine) in got)
        own_province.pass_time(timedelta(seconds=10))
        recent = "2026-11-23T02:00:10.000Z"
        await eventually(lambda: sum(m["time"] == recent for _, m in got) >= 20 + 36)
        listening.cancel()
    heard = {topic.split("/")[3] for topic, message in got if message["time"] == recent}
    assert heard == {f"AQ-{n:02d}" for n in range(1, 11)} | {f"TC-{n:02d}" for n in range(1, 19)}
    for topic, message in got:
        _, unit, measure, subject = topic.split("/")
        record = {"unit": unit, "measure": measure, "subject": subject, **message}
        if subject == "AQ-11":
            with pytest.raises(RecordUnfit, match="in the future"):
                check_reading(record, VOCABULARY, NOW)
        elif message["value"] != -999:
            check_reading(record, VOCABULARY, own_province.clock.now())


async def test_document_files_read_as_what_was_sent(province: Province) -> None:
    await eventually(lambda: bool(handed_files(province, "document-exchange")))
    (path,) = handed_files(province, "document-exchange")
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbfUBND")
    assert b"\r\n" in content
    mapping = mapping_of(province, "document-exchange")
    totals: dict[str, float] = {}
    unfit = 0
    for row, _ in lines_of(path, mapping.columns()):
        assert not isinstance(row, RecordUnfit)
        for record in mapping.records(row):
            if isinstance(record, RecordUnfit):
                unfit += 1
                continue
            reading = check_reading(record, VOCABULARY, NOW)
            totals[reading.measure] = totals.get(reading.measure, 0) + reading.value
    true = documents.of_communes(province.world, province.began_at_ms, province.began_at_ms + 60 * MS_A_MINUTE)
    names = ("document.sent", "document.sent_electronic", "document.refused")
    assert totals == {name: true.value[true.measure == MEASURES.index(name)].sum() for name in names}
    assert unfit in (0, 3)


async def test_the_day_file_comes_at_17(province: Province) -> None:
    folder = Path(province.at.folders["department-day-file"])
    feed = DayFile(province.world, folder)
    handed_over = FeedProgress(province.settings.data_dir / "another", province.began_at_ms)
    assert await feeds.send_next(feed, handed_over, to_ms(datetime(2026, 11, 23, 16, 59, tzinfo=VIETNAM)))
    assert handed_files(province, "department-day-file") == []
    at = datetime(2026, 11, 23, 17, 0, 6, tzinfo=VIETNAM)
    assert await feeds.send_next(feed, handed_over, to_ms(at))
    (path,) = handed_files(province, "department-day-file")
    assert path.name == "VanBanSoNganh_20261123.xlsx"
    mapping = mapping_of(province, "department-day-file")
    records = [record for row, _ in lines_of(path, mapping.columns()) for record in mapping.records(row)]  # type: ignore[arg-type]
    true = documents.of_departments(province.world, 20_780)
    assert len(records) == len(true)
    given = [check_reading(r, VOCABULARY, at) for r in records if isinstance(r, dict)]
    assert sum(r.value for r in given) == true.value.sum()
    assert {r.unit for r in given} == {"46"}
    assert min(r.time for r in given) == datetime(2026, 11, 23, 7, tzinfo=VIETNAM)


async def test_the_list_and_trial_files_read(province: Province) -> None:
    listed = Path(province.at.folders["handed-list"]) / "gso-communes-excerpt.csv"
    mapping = mapping_of(province, "handed-list")
    rows = [
        dict(row) for row, _ in lines_of(listed, mapping.columns() - {"$file_time"}) if not isinstance(row, RecordUnfit)
    ]
    records = [mapping.records({**row, "$file_time": NOW})[0] for row in rows]
    readings = [check_reading(record, VOCABULARY, NOW) for record in records if isinstance(record, dict)]
    assert len(readings) == 60
    assert readings[0].subject == "00001"
    trial = Path(province.at.folders["demo-drop"]) / "thu.csv"
    trial.write_text(
        "Chỉ số;Mã đơn vị;Thời điểm;Giá trị\nlgsp.latency;19753;23/11/2026 08:30;1.234,5\n", encoding="utf-8"
    )
    mapping = mapping_of(province, "demo-drop")
    ((row, _),) = lines_of(trial, mapping.columns())
    assert not isinstance(row, RecordUnfit)
    (record,) = mapping.records(row)
    assert isinstance(record, dict)
    assert check_reading(record, VOCABULARY, NOW).value == 1234.5


async def test_a_restart_keeps_ports_and_hands_nothing_over_again(province: Province) -> None:
    settings = province.settings
    own = settings.data_dir / "restart"
    moved = type(settings)(data_dir=own, http_port=settings.http_port)
    clock = type(province.clock)(NOW)
    async with simulated(moved, clock) as first:
        dropped = Path(first.folders["handed-list"]) / "gso-communes-excerpt.csv"
        await eventually(dropped.exists)
        dropped.unlink()
        written = {path: path.stat().st_mtime_ns for path in moved.sources_dir.iterdir()}
    (moved.sources_dir / "lgsp.toml").write_text("# mine\nkind = 'http_push'\n")
    async with simulated(moved, clock) as second:
        assert second == first
        await asyncio.sleep(0.5)
        assert not dropped.exists()
        unchanged = {path: path.stat().st_mtime_ns for path in moved.sources_dir.iterdir()}
    assert {p: t for p, t in written.items() if p.name != "lgsp.toml"} == {
        p: t for p, t in unchanged.items() if p.name != "lgsp.toml"
    }
    assert (moved.sources_dir / "lgsp.toml").read_text().startswith("# mine")
