"""Write the departments' day file: one workbook at 17:00, as a clerk writes it."""

from datetime import datetime
from io import BytesIO
from pathlib import Path

import numpy as np

from ioc.clock import from_ms
from ioc.demo import calendar
from ioc.demo.calendar import MS_A_DAY, MS_AN_HOUR
from ioc.demo.feeds import Rhythm
from ioc.demo.places import World
from ioc.demo.systems.document_exchange import drop
from ioc.demo.world import documents
from ioc.demo.world.readings import MEASURES, SUBJECTS, local, midnight_ms

HEADER = ("Ngày giờ", "Mã phòng ban", "Văn bản gửi", "Gửi điện tử", "Từ chối")
_COLUMNS = ("document.sent", "document.sent_electronic", "document.refused")


class DayFile:
    """Files `VanBanSoNganh_yyyyMMdd.xlsx`: a merged title, a header in two rows with merged cells, dates as dates."""

    name = "department-day-file"
    rhythm = Rhythm(step_ms=MS_AN_HOUR, memory_ms=7 * MS_A_DAY, piece_ms=MS_A_DAY, shift_ms=5_000)

    def __init__(self, world: World, folder: Path) -> None:
        self._world, self._folder = world, folder

    async def send(self, from_ms: int, to_ms: int) -> None:
        """Drop a file at 17:00, nothing at other hours. Raises FeedBlocked."""
        first, last = (int(day) for day in local(self._world, np.array([from_ms, to_ms]))[0])
        for day in range(first, last + 1):
            written_ms = midnight_ms(self._world, day) + documents.DAY_FILE_HOUR * MS_AN_HOUR
            if from_ms < written_ms <= to_ms:
                name = f"VanBanSoNganh_{calendar.date_of(day):%Y%m%d}.xlsx"
                drop(self._folder, name, self.workbook(day))

    def workbook(self, day: int) -> bytes:
        """Return the workbook of a local day."""
        from openpyxl import Workbook  # 10 MB of memory, needed once a day

        book = Workbook()
        sheet = book.create_sheet("Ngày", 0)
        sheet.append([f"VĂN BẢN CỦA SỞ, NGÀNH NGÀY {calendar.date_of(day):%d/%m/%Y} (DỮ LIỆU MÔ PHỎNG)"])
        sheet.merge_cells("A1:E1")
        sheet.append([HEADER[0], HEADER[1], "Số lượng văn bản"])
        sheet.append([None, None, *HEADER[2:]])
        for merged in ("A2:A3", "B2:B3", "C2:E2"):
            sheet.merge_cells(merged)
        readings = documents.of_departments(self._world, day)
        parts = [readings.where(readings.measure == MEASURES.index(name)) for name in _COLUMNS]
        for row in range(len(parts[0])):
            at: datetime = from_ms(int(parts[0].time_ms[row])).astimezone(self._world.zone).replace(tzinfo=None)
            subject = SUBJECTS[int(parts[0].subject[row])]
            sheet.append([at, subject, *(int(part.value[row]) for part in parts)])
        content = BytesIO()
        book.save(content)
        return content.getvalue()
