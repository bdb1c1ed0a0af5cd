"""Systems of profiles over real sockets and folders, read as the connectors read them."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import orjson
import pytest

from connectors.base import Connector, ConnectorContext, PollingConnector, build_intake
from connectors.batching import Intake
from connectors.configuration import read_source
from connectors.file_drop import FileDrop
from connectors.mapping import RecordMapping
from connectors.mapping_table import read_mapping
from connectors.registry import KINDS
from ioc.clock import FixedClock, to_ms
from ioc.clock import from_ms as from_ms_to
from ioc.demo import feeds
from ioc.demo.state import FeedProgress
from ioc.demo.systems.profile_feeds import DayFigures, YearFigures
from ioc.demo.systems.rest import application
from ioc.demo.systems.statistics import cases_path, readings_path
from ioc.demo.world import life_cycles, profiles
from ioc.demo.world.profile_files import Profile
from ioc.demo.world.profile_files import profiles as profile_files
from ioc.settings import VIETNAM
from ioc.wire.fields import check_case, check_reading
from tests.integration.demo.handed_files import lines_of
from tests.integration.demo.province_answers import handed_files, read_pages
from tests.integration.demo.receiver import eventually
from tests.integration.demo.running_province import NOW, Province
from tests.support.catalogs import hue

pytestmark = pytest.mark.asyncio(loop_scope="module")
VOCABULARY = hue().vocabulary
STATISTICS = [profile for profile in profile_files() if profile.kind == "statistics"]


def profile_of(source: str) -> Profile:
    return next(profile for profile in profile_files() if profile.source == source)


def mapping_of(province: Province, source: str) -> RecordMapping:
    return read_mapping(read_source(province.settings.sources_dir / f"{source}.toml").mapping, VIETNAM)


def totals(records: list[dict[str, Any]], at: datetime = NOW) -> dict[tuple[str, str], float]:
    """Sum of each measure and unit, each record as the centre takes it."""
    found: dict[tuple[str, str], float] = {}
    for record in records:
        reading = check_reading(record, VOCABULARY, at)
        key = (reading.measure, reading.unit)
        found[key] = round(found.get(key, 0.0) + reading.value, 6)
    return found


def made(province: Province, profile: Profile, from_ms: int, to_ms_: int) -> dict[tuple[str, str], float]:
    records = list(profiles.readings(province.world, profile, from_ms, to_ms_).records(province.world))
    return totals(records, from_ms_to(to_ms_))


def connector(province: Province, source: str) -> Connector:
    configuration = read_source(province.settings.sources_dir / f"{source}.toml")
    around = ConnectorContext(VOCABULARY, province.clock, VIETNAM, province.settings.data_dir)
    return KINDS[configuration.kind].load_class()(configuration, around)


async def taken(polled: PollingConnector, position: Any = None) -> tuple[list[Intake], Any]:
    """What one round of a polling connector hands to the writer, and its position behind it."""
    intakes = []
    async for page in polled.fetch(position):
        intakes.append(build_intake(page, polled.mapping, polled.context))
        position = page.position
    return intakes, position


def rows_of(intakes: list[Intake]) -> list[dict[str, Any]]:
    return [
        row for intake in intakes for batch in (intake.readings, intake.cases) if batch for row in batch.to_pylist()
    ]


async def test_every_source_has_its_connector(province: Province) -> None:
    made = {path.stem: connector(province, path.stem) for path in province.settings.sources_dir.iterdir()}
    assert {profile.source for profile in profile_files() if profile.readings} <= set(made)


async def test_the_connectors_take_figures_cases_and_workbooks_whole(own_province: Province) -> None:
    for source in ("hospitals", "work-management-cases", "indices"):
        polled = connector(own_province, source)
        assert isinstance(polled, PollingConnector)
        if isinstance(polled, FileDrop):
            polled._folder.rest_s = 0.0  # else a file has to rest first
        intakes, position = await taken(polled)
        rows = rows_of(intakes)
        assert len(rows) > 20, source
        assert [refusal for intake in intakes for refusal in intake.rejections] == []
        again, _ = await taken(polled, position)
        assert all(row in rows for row in rows_of(again)), "only what the writer knows again"


async def test_figures_come_by_pages_as_they_are_handed_over(province: Province) -> None:
    heard = 0
    for profile in STATISTICS:
        if not profile.readings:
            continue
        rows = await read_pages(province.at.rest + readings_path(profile.source), size=500)
        mapping = mapping_of(province, profile.source)
        records = [record for row in rows for record in mapping.records(row) if isinstance(record, dict)]
        assert [row["capNhatLuc"] for row in rows] == sorted(row["capNhatLuc"] for row in rows)
        assert totals(records) == made(province, profile, province.began_at_ms, to_ms(NOW)), profile.source
        heard += len(records)
    assert heard > 1000


async def test_figures_since_a_moment_are_those_after_it(province: Province) -> None:
    address = province.at.rest + readings_path("hospitals")
    since = NOW - timedelta(minutes=10)
    rows = await read_pages(address, tu=since.isoformat())
    assert rows
    assert min(datetime.fromisoformat(row["capNhatLuc"]) for row in rows) >= since


async def test_cases_come_with_every_version(province: Province) -> None:
    at = NOW + timedelta(hours=7)
    later = application(province.world, province.began_at_ms, FixedClock(at))
    for profile in STATISTICS:
        if not profile.cases:
            continue
        address = province.at.rest + cases_path(profile.source)
        rows = await read_pages(address, size=500, transport=httpx.ASGITransport(later))
        mapping = mapping_of(province, f"{profile.source}-cases")
        records = [record for row in rows for record in mapping.records(row) if isinstance(record, dict)]
        cases = [check_case(record, VOCABULARY, at) for record in records]
        given = {(case.case_type, case.case_id, to_ms(case.updated_at)) for case in cases}
        assert given == versions(province, profile, to_ms(at)), profile.source
        assert given


def versions(province: Province, profile: Profile, until_ms: int) -> set[tuple[str, str, int]]:
    """Case type, id and time of all versions since the beginning."""
    found = set()
    for one in profile.cases:
        cases = life_cycles.cases(province.world, one, 20_780 - one.max_open_days, 20_781)
        seen = cases.versions(province.began_at_ms + 1, until_ms + 1)
        for version in map(seen.version, range(len(seen))):
            found.add((one.case_type, version.case_id, version.updated_ms))
    return found


async def test_the_day_file_has_vietnamese_numbers_at_17(province: Province) -> None:
    profile = profile_of("day-figures")
    folder = Path(province.at.folders[profile.source])
    feed = DayFigures(province.world, profile, folder)
    handed_over = FeedProgress(province.settings.data_dir / "another", province.began_at_ms)
    assert await feeds.send_next(feed, handed_over, to_ms(datetime(2026, 11, 23, 16, 59, tzinfo=VIETNAM)))
    assert not handed_files(province, profile.source)
    at = datetime(2026, 11, 23, 17, 0, 9, tzinfo=VIETNAM)
    assert await feeds.send_next(feed, handed_over, to_ms(at))
    (path,) = handed_files(province, profile.source)
    mapping = mapping_of(province, profile.source)
    records = [record for row, _ in lines_of(path, mapping.columns()) for record in mapping.records(row)]  # type: ignore[arg-type]
    hour = to_ms(at.replace(second=0))
    assert totals(records, at) == made(province, profile, hour - 3_600_000, hour)  # type: ignore[arg-type]
    assert ("budget.revenue", "46") in totals(records, at)  # type: ignore[arg-type]


async def test_past_years_come_as_a_workbook_once(own_province: Province) -> None:
    profile = profile_of("indices")
    folder = Path(own_province.at.folders[profile.source])
    await eventually(lambda: bool(handed_files(own_province, profile.source)))
    (path,) = handed_files(own_province, profile.source)
    mapping = mapping_of(own_province, profile.source)
    records = [record for row, _ in lines_of(path, mapping.columns()) for record in mapping.records(row)]  # type: ignore[arg-type]
    readings = [check_reading(record, VOCABULARY, NOW) for record in records if isinstance(record, dict)]
    of_2020 = {r.measure: r.value for r in readings if r.time.year == 2020}
    assert (of_2020["egdi.osi"], of_2020["egdi.tii"], of_2020["egdi.hci"]) == (0.6529, 0.6694, 0.6779)
    assert {r.time.hour for r in readings} == {2}, "9 o'clock in the province"
    path.unlink()
    handed_over = FeedProgress(own_province.settings.data_dir, own_province.began_at_ms)
    YearFigures(own_province.world, profile, folder).drop_past(handed_over, own_province.began_at_ms)
    assert not handed_files(own_province, profile.source)


async def test_sensors_publish_each_their_own_step(own_province: Province) -> None:
    got: list[tuple[str, dict[str, Any]]] = []
    async with aiomqtt.Client("127.0.0.1", own_province.at.mqtt_port, identifier="test") as client:
        await client.subscribe("hydromet/#", qos=1)

        async def listen() -> None:
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                got.append((str(message.topic), orjson.loads(message.payload)))

        listening = asyncio.create_task(listen())
        own_province.pass_time(timedelta(minutes=5))
        await eventually(lambda: any(topic.endswith("/river.kim_long/KIM-LONG") for topic, _ in got))
        listening.cancel()
    mapping = mapping_of(own_province, "hydromet")
    for topic, payload in got:
        _, unit, measure, subject = topic.split("/")
        (record,) = mapping.records({**payload, "$unit": unit, "$measure": measure, "$subject": subject})
        assert isinstance(record, dict)
        check_reading(record, VOCABULARY, own_province.clock.now())


async def test_pushes_hold_readings_and_cases_with_the_source_token(province: Province) -> None:
    others = province.receiver.others
    wanted = {"outage", "power.load", "order.calls", "tax.returns", "fire.calls"}

    def kinds() -> set[str]:
        return {str(record.get("case_type") or record["measure"]) for push in others for record in push.records}

    await eventually(lambda: wanted <= kinds(), within_s=30)
    token = (province.settings.data_dir / "tokens" / "utilities.token").read_text().strip()
    for push in others:
        if push.source == "utilities":
            assert push.headers["authorization"] == f"Bearer {token}"
        for record in push.records:
            if "case_type" in record:
                check_case(record, VOCABULARY, NOW)
            else:
                check_reading(record, VOCABULARY, NOW)
