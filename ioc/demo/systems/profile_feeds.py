"""Feeds of the profiles whose systems send by themselves: a file per day, a workbook per year, sensors, pushes."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from io import BytesIO
from pathlib import Path

import httpx
import orjson

from ioc.clock import from_ms, rfc3339
from ioc.demo.calendar import MS_A_DAY, MS_A_MINUTE, MS_AN_HOUR
from ioc.demo.feeds import Feed, FeedBlocked, Rhythm
from ioc.demo.places import World
from ioc.demo.state import FeedProgress
from ioc.demo.systems.case_book import CaseBook, profiled
from ioc.demo.systems.document_exchange import drop, vietnamese
from ioc.demo.systems.sensors import Gateway, reading_messages
from ioc.demo.world import profiles
from ioc.demo.world.cases import CaseVersion
from ioc.demo.world.profile_files import Profile, ProfileDuration
from ioc.demo.world.readings import MEASURES, Readings

HEADER = ("Ngày", "Mã đơn vị", "Tên đơn vị", "Chỉ tiêu", "Giá trị")


class DayFigures:
    """Files `SoLieuNgay_<source>_yyyyMMdd_HHmm.csv` when figures are published: BOM, `;`, `1.234,5`."""

    def __init__(self, world: World, profile: Profile, folder: Path) -> None:
        self._world, self._profile, self._folder = world, profile, folder
        self.name = profile.source
        self.rhythm = Rhythm(step_ms=MS_AN_HOUR, memory_ms=7 * MS_A_DAY, piece_ms=MS_A_DAY, shift_ms=8_000)

    async def send(self, from_ms: int, to_ms: int) -> None:
        """Drop a file if something was published. Raises FeedBlocked."""
        made = profiles.readings(self._world, self._profile, from_ms, to_ms)
        if len(made):
            text = "\r\n".join(self.lines(made)) + "\r\n"
            name = f"SoLieuNgay_{self.name}_{self._local(to_ms):%Y%m%d_%H%M}.csv"
            drop(self._folder, name, text.encode("utf-8-sig"))

    def lines(self, made: Readings) -> Iterator[str]:
        """Yield the lines of a file."""
        yield f"{self._profile.name['vi'].upper()};;;;"
        yield ";;;;"
        yield ";".join(HEADER)
        for measure, unit, _, time_ms, value in zip(*(c.tolist() for c in made.columns()), strict=True):
            at = f"{self._local(time_ms):%d/%m/%Y %H:%M}"
            names = (self._world.units[unit], self._world.names[unit], MEASURES[measure])
            yield ";".join((at, *names, vietnamese(value, 4)))

    def _local(self, moment_ms: int) -> datetime:
        return from_ms(moment_ms).astimezone(self._world.zone)


class YearFigures:
    """Workbooks `SoLieuNam_<source>_yyyyMMdd.xlsx`.

    At the first start one has all that was published before; later there is one whenever something is published.
    """

    def __init__(self, world: World, profile: Profile, folder: Path) -> None:
        self._world, self._profile, self._folder = world, profile, folder
        self.name = profile.source
        self.rhythm = Rhythm(step_ms=MS_AN_HOUR, memory_ms=365 * MS_A_DAY, piece_ms=365 * MS_A_DAY, shift_ms=12_000)

    async def send(self, from_ms: int, to_ms: int) -> None:
        """Drop a workbook if something was published. Raises FeedBlocked."""
        made = profiles.readings(self._world, self._profile, from_ms, to_ms)
        if len(made):
            self._drop(made, to_ms)

    def drop_past(self, progress: FeedProgress, began_at_ms: int) -> None:
        """Drop once everything that was published before the beginning. Raises FeedBlocked."""
        if progress.until_ms(f"{self.name} past") > began_at_ms:
            return
        made = profiles.readings(self._world, self._profile, 0, began_at_ms)
        if len(made):
            self._drop(made, began_at_ms)
        progress.settle(f"{self.name} past", began_at_ms + 1)

    def _drop(self, made: Readings, at_ms: int) -> None:
        at = from_ms(at_ms).astimezone(self._world.zone)
        drop(self._folder, f"SoLieuNam_{self.name}_{at:%Y%m%d}.xlsx", self.workbook(made))

    def workbook(self, made: Readings) -> bytes:
        """Return a workbook of readings."""
        from openpyxl import Workbook  # 10 MB of memory, needed once a year

        book = Workbook()
        sheet = book.create_sheet("Năm", 0)
        sheet.append([f"{self._profile.name['vi'].upper()}"])
        sheet.merge_cells("A1:E1")
        sheet.append(list(HEADER))
        for measure, unit, _, time_ms, value in zip(*(c.tolist() for c in made.columns()), strict=True):
            at = from_ms(time_ms).astimezone(self._world.zone).replace(tzinfo=None)
            sheet.append([at, self._world.units[unit], self._world.names[unit], MEASURES[measure], value])
        content = BytesIO()
        book.save(content)
        return content.getvalue()


class Sensors:
    """Devices behind the MQTT gateway, with the topic `{source}/{unit}/{measure}/{subject}`."""

    def __init__(self, world: World, profile: Profile, gateway: Gateway, turn: int) -> None:
        self._world, self._profile, self._gateway = world, profile, gateway
        self.name = profile.source
        step_ms = ProfileDuration.parse(profile.every).ms
        self.rhythm = Rhythm(step_ms, 15 * MS_A_MINUTE, 5 * MS_A_MINUTE, shift_ms=800 + 100 * turn)

    async def send(self, from_ms: int, to_ms: int) -> None:
        """Publish the readings of an interval. Raises FeedBlocked."""
        made = profiles.readings(self._world, self._profile, from_ms, to_ms)
        await self._gateway.publish(reading_messages(self.name, self._world, made))


class Pushes:
    """Pushes readings and case versions to `POST {address}` with the source's token."""

    def __init__(
        self, world: World, profile: Profile, client: httpx.AsyncClient, began_at_ms: int, *, address: str, token: str
    ) -> None:
        self._world, self._profile, self._client = world, profile, client
        self._address, self._token = address, token
        self._books = [(case.case_type, CaseBook(world, profiled(case), began_at_ms)) for case in profile.cases]
        self.name = profile.source
        self.rhythm = Rhythm(ProfileDuration.parse(profile.every).ms, 2 * MS_A_DAY, 30 * MS_A_MINUTE, shift_ms=400)

    async def send(self, from_ms: int, to_ms: int) -> None:
        """Push the readings and case versions of an interval. Raises FeedBlocked."""
        records = list(profiles.readings(self._world, self._profile, from_ms, to_ms).records(self._world))
        for case_type, book in self._books:
            versions, _ = book.between(from_ms + 1, to_ms, 0, 1_000_000)
            records += [_record(self._world, case_type, version) for version in versions]
        if not records:
            return
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"{self.name}-{from_ms}-{to_ms}",
        }
        try:
            answer = await self._client.post(self._address, content=orjson.dumps(records), headers=headers)
        except httpx.HTTPError as fault:
            raise FeedBlocked(f"{self._address} does not answer: {fault!r}") from fault
        if answer.status_code != httpx.codes.ACCEPTED:
            raise FeedBlocked(f"{self._address} answered {answer.status_code}: {answer.text[:200]}")


def own_feeds(
    world: World, files: Sequence[Profile], folders: dict[str, Path], gateway: Gateway, pushes: Sequence[Pushes]
) -> list[Feed]:
    """Return the feeds of all profiles whose systems send by themselves."""
    made: list[Feed] = list(pushes)
    for turn, profile in enumerate(files):
        if profile.kind == "day_file":
            made.append(DayFigures(world, profile, folders[profile.source]))
        elif profile.kind == "year_file":
            made.append(YearFigures(world, profile, folders[profile.source]))
        elif profile.kind == "sensors":
            made.append(Sensors(world, profile, gateway, turn))
    return made


def _record(world: World, case_type: str, version: CaseVersion) -> dict[str, object]:
    """Return a case version as a JSON object, as it is pushed."""
    optional: dict[str, object] = {
        "channel": version.channel or None,
        "service": version.service or None,
        "due_at": None if version.due_ms is None else rfc3339(from_ms(version.due_ms)),
        "closed_at": None if version.closed_ms is None else rfc3339(from_ms(version.closed_ms)),
    }
    return {
        "case_type": case_type,
        "case_id": version.case_id,
        "unit": world.units[version.unit],
        "status": version.status,
        "received_at": rfc3339(from_ms(version.received_ms)),
        "updated_at": rfc3339(from_ms(version.updated_ms)),
        "attributes": orjson.loads(version.attributes),
        **{name: value for name, value in optional.items() if value is not None},
    }
