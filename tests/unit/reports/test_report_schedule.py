"""Reports on schedule: made once a period however often the lab starts anew, sent until it is sent, each try noted."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ioc.clock import FixedClock
from ioc.errors import IocError, SourceUnavailable
from ioc.lab.context import LabContext
from ioc.lab.report_making import ReportOrder, reports_dir
from ioc.lab.report_schedule import ReportSchedule, due_at
from ioc.messages import Message
from ioc.reports.compose_issue import NotPublished
from ioc.reports.definition import Report, SendingSchedule
from ioc.reports.issue_store import IssueId, Issues
from ioc.reports.periods import PeriodLength, parse_span
from ioc.reports.sending_log import IssueMessage, attempt_of
from ioc.settings import VIETNAM, Settings
from ioc.store.snapshot import Snapshot
from tests.support.example_issue import example_issue

NOW = datetime(2026, 11, 3, 0, 30, tzinfo=UTC)
"""07:30 of the third of November in the province."""
REPORT = Report(
    "online_services",
    {"vi": "a", "en": "b"},
    PeriodLength.MONTH,
    (),
    "",
    "a1",
    SendingSchedule(timedelta(days=2), channels=("mail",)),
)


@dataclass
class Maker:
    """Stands beside the lab; makes an issue of plain values, or raises."""

    folder: Path
    fault: Exception | None = None
    orders: list[ReportOrder] = field(default_factory=list)

    async def run_job(
        self, told: Callable[[float], None], _: Callable[..., Any], __: Snapshot, ___: Settings, order: ReportOrder
    ) -> None:
        told(0.5)
        self.orders.append(order)
        if self.fault is not None:
            raise self.fault
        Issues(self.folder).add(replace(example_issue(), send_to=("mail",)), {"xlsx": b"PK", "pdf": b"%PDF-"})


@dataclass
class Post:
    """Takes parcels, or raises."""

    fault: Exception | None = None
    parcels: list[IssueMessage] = field(default_factory=list)

    def __call__(self, channel: str, parcel: IssueMessage) -> None:
        self.parcels.append(parcel)
        if self.fault is not None:
            raise self.fault


@dataclass
class Lab:
    """A lab that can be started anew over the same folder."""

    folder: Path
    maker: Maker
    post: Post
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))

    def started(self) -> ReportSchedule:
        snapshot = Snapshot(self.folder / "ioc.duckdb", self.folder, self.clock.now(), 1, 0.1)
        parts = LabContext(Settings(self.folder), self.clock, lambda: snapshot, self.maker, self.post)  # type: ignore[arg-type]
        keeping = ReportSchedule(parts)
        keeping._reports = lambda: {REPORT.id: REPORT}  # type: ignore[method-assign]
        return keeping


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path, Maker(reports_dir(Settings(tmp_path))), Post())


async def test_made_once_however_often_it_starts_anew(lab: Lab) -> None:
    for _ in range(3):
        keeping = lab.started()
        await keeping.step()
        await keeping.step()
    assert [(order.report, order.period, order.scheduled) for order in lab.maker.orders] == [
        ("online_services", "2026-10", True)
    ]
    assert [parcel.id for parcel in lab.post.parcels] == ["online_services/2026-10.1"]


async def test_not_before_its_time(lab: Lab) -> None:
    lab.clock.moment = NOW - timedelta(minutes=31)
    await lab.started().step()
    assert lab.maker.orders == []
    assert due_at(REPORT, parse_span(PeriodLength.MONTH, "2026-10", VIETNAM), VIETNAM) == NOW - timedelta(minutes=30)


async def test_what_is_not_published_is_asked_again_after_an_hour(lab: Lab) -> None:
    lab.maker.fault = NotPublished(Message.of("The figures of 2026-10 are not published yet."))
    keeping = lab.started()
    await keeping.step()
    await keeping.step()
    assert len(lab.maker.orders) == 1
    lab.clock.moment += timedelta(hours=1, seconds=1)
    lab.maker.fault = None
    await keeping.step()
    assert len(lab.maker.orders) == 2
    assert len(lab.post.parcels) == 1


async def test_sending_is_tried_again_and_noted(lab: Lab) -> None:
    lab.post.fault = SourceUnavailable(Message.of("mail does not answer."))
    await lab.started().step()
    await lab.started().step()
    assert len(lab.post.parcels) == 1, "it is not yet time for another try"
    lab.clock.moment += timedelta(minutes=1)
    lab.post.fault = None
    keeping = lab.started()
    await keeping.step()
    await keeping.step()
    [issue] = keeping.issues.of("online_services")
    tries = keeping.sendings.of(issue)
    assert [(one.outcome, one.attempt, one.reason) for one in tries] == [
        ("failed", 1, "mail does not answer."),
        ("sent", 2, ""),
    ]
    parcel = lab.post.parcels[-1]
    assert parcel.subject == "[DỮ LIỆU MÔ PHỎNG] Thống kê dịch vụ công trực tuyến, tháng 10/2026"
    assert [path.name for path in parcel.files] == ["report.pdf", "report.xlsx"]


async def test_a_refusal_is_final(lab: Lab) -> None:
    lab.post.fault = IocError(Message.of("There is no channel 'mail'."))
    await lab.started().step()
    lab.clock.moment += timedelta(hours=5)
    keeping = lab.started()
    await keeping.step()
    [issue] = keeping.issues.of("online_services")
    assert [one.outcome for one in keeping.sendings.of(issue)] == ["dead"]


async def test_a_line_that_a_kill_cut_off_is_passed_over(lab: Lab) -> None:
    lab.post.fault = SourceUnavailable(Message.of("away"))
    await lab.started().step()
    path = reports_dir(Settings(lab.folder)) / "sendings.ndjson"
    path.write_bytes(path.read_bytes() + b'{"report": "online_ser')
    lab.clock.moment += timedelta(minutes=1)
    lab.post.fault = None
    keeping = lab.started()
    await keeping.step()
    [issue] = keeping.issues.of("online_services")
    assert [one.outcome for one in keeping.sendings.of(issue)] == ["failed", "sent"]


@pytest.mark.parametrize(
    ("fault", "wait_s"),
    [
        pytest.param(SourceUnavailable(Message.of("away")), 30, id="no wish"),
        pytest.param(SourceUnavailable(Message.of("429"), retry_in_s=5), 30, id="a wish shorter than the back-off"),
        pytest.param(SourceUnavailable(Message.of("429"), retry_in_s=600), 600, id="a longer wish is kept"),
    ],
)
def test_a_receiver_that_asks_to_wait_is_left_alone(fault: SourceUnavailable, wait_s: int) -> None:
    found = attempt_of(IssueId("online_services", "2026-10", 1), "mail", 1, NOW, fault, again=True)
    assert datetime.fromisoformat(found.next_at) == NOW + timedelta(seconds=wait_s)
