"""Drop the document exchange's CSV files, one every 5 minutes, as offices in Viet Nam write them."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np

from ioc.atomic_file import write_atomically
from ioc.clock import from_ms
from ioc.demo import noise
from ioc.demo.calendar import MS_A_DAY
from ioc.demo.feeds import FeedBlocked, Rhythm
from ioc.demo.habits import ImpossibleDate
from ioc.demo.places import World
from ioc.demo.world import documents
from ioc.demo.world.readings import MEASURES, Readings

HEADER = ("Mã đơn vị", "Tên đơn vị", "Thời điểm", "Văn bản gửi", "Gửi điện tử", "Từ chối", "Dung lượng (KB)")
_COLUMNS = ("document.sent", "document.sent_electronic", "document.refused")


class DocumentExchange:
    """Files `LTVB_yyyyMMdd_HHmm.csv`: BOM, `;`, three title lines, `dd/MM/yyyy HH:mm`, `1.234,5`, CRLF."""

    name = "document-exchange"
    rhythm = Rhythm(step_ms=documents.STEP_MS, memory_ms=7 * MS_A_DAY, piece_ms=MS_A_DAY, shift_ms=20_000)

    def __init__(self, world: World, folder: Path) -> None:
        self._world, self._folder = world, folder
        self._impossible_date = ImpossibleDate()

    async def send(self, from_ms: int, to_ms: int) -> None:
        """Drop the file of an interval. Raises FeedBlocked when the folder cannot be written."""
        written_at = self._local(to_ms)
        text = "\r\n".join(self.lines(from_ms, to_ms)) + "\r\n"
        drop(self._folder, f"LTVB_{written_at:%Y%m%d_%H%M}.csv", text.encode("utf-8-sig"))

    def lines(self, from_ms: int, to_ms: int) -> Iterator[str]:
        """Yield the lines of the file of an interval."""
        width = len(HEADER) - 1
        yield "UBND THÀNH PHỐ HUẾ" + ";" * width
        yield "VĂN BẢN GỬI QUA TRỤC LIÊN THÔNG (DỮ LIỆU MÔ PHỎNG)" + ";" * width
        yield f"Thời điểm kết xuất: {self._local(to_ms):%d/%m/%Y %H:%M}" + ";" * width
        yield ";".join(HEADER)
        rows = list(self._rows(documents.of_communes(self._world, from_ms, to_ms)))
        yield from (";".join(row) for row in rows)
        if rows and self._impossible_date.strikes(self._world, from_ms):
            yield ";".join((*rows[0][:2], self._impossible_date.text, *rows[0][3:]))

    def _rows(self, readings: Readings) -> Iterator[tuple[str, ...]]:
        """Yield one row per commune and step; the parts of the table have the same order."""
        parts = [readings.where(readings.measure == MEASURES.index(name)) for name in _COLUMNS]
        kilobytes = 40 + 900 * noise.uniform(self._world.seed, "kilobytes", parts[0].unit, parts[0].time_ms // 1000)
        for row in range(len(parts[0])):
            sent = int(parts[0].value[row])
            yield (
                self._world.units[int(parts[0].unit[row])],
                self._world.names[int(parts[0].unit[row])],
                f"{self._local(int(parts[0].time_ms[row])):%d/%m/%Y %H:%M}",
                *(str(int(part.value[row])) for part in parts),
                vietnamese(float(np.round(kilobytes[row] * sent, 1))),
            )

    def _local(self, moment_ms: int) -> datetime:
        return from_ms(moment_ms).astimezone(self._world.zone)


def vietnamese(number: float, digits: int = 1) -> str:
    """Return a number as `1.234,5`: points between thousands, a comma before the decimals."""
    return f"{number:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def drop(folder: Path, name: str, content: bytes) -> None:
    """Write a file into a folder, whole or not at all. Raises FeedBlocked."""
    try:
        write_atomically(folder / name, content)
    except OSError as fault:
        raise FeedBlocked(f"{folder / name} cannot be written: {fault.strerror}") from fault
