"""What a starting server still waits for, in both languages."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from ioc.server.status import ServerStatus
from ioc.store.historian import HistorianCondition

BEGAN = datetime(2026, 12, 1, tzinfo=UTC)


class Start:
    """A historian and an evaluator that are as far as a test sets them."""

    def __init__(self) -> None:
        self.condition = HistorianCondition.STARTING
        self.is_whole = False
        nothing = cast(Any, None)
        self.status = ServerStatus(nothing, BEGAN, cast(Any, self), cast(Any, self), nothing, nothing, None)

    def state(self) -> Any:
        return SimpleNamespace(condition=self.condition)

    def waits_for(self) -> tuple[str, str] | None:
        fault = self.status.starting()
        return None if fault is None else (fault.text("en"), fault.text("vi"))


def test_each_step_of_the_start_is_named_in_both_languages_until_data_flow() -> None:
    start = Start()
    assert start.waits_for() == (
        "The centre is starting: the historian reads its position in Kafka; please wait.",
        "Trung tâm đang khởi động: bộ ghi lịch sử đang đọc vị trí của mình trong Kafka; hãy đợi thêm.",
    )
    start.condition = next(one for one in HistorianCondition if one is not HistorianCondition.STARTING)
    assert start.waits_for() == (
        "The centre is starting: the first evaluation of all KPIs; please wait.",
        "Trung tâm đang khởi động: đang tính lần đầu toàn bộ chỉ tiêu; hãy đợi thêm.",
    )
    start.is_whole = True
    assert start.waits_for() is None
    start.is_whole = False
    assert start.waits_for() is None, "a later catalogue is evaluated while data flow"
