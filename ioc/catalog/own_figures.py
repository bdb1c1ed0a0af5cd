"""What the centre says of itself: figures that rules may speak of beside KPIs, always of the province.

They come from inside the centre (ioc/serving/own_watch.py), not from measures or cases, so that they are there also
when nothing else is.
"""

from collections.abc import Mapping
from dataclasses import replace

from ioc.catalog.catalog import Catalog, Sector
from ioc.model.kpi import Formula, KpiDefinition
from ioc.model.unit import UnitLevel
from ioc.model.window import Window, WindowKind

SECTOR = Sector("centre", {"vi": "Trung tâm điều hành", "en": "The centre itself"}, 1_000)

_FIGURES = (
    ("centre.sources_silent", "nguồn", 0, "Nguồn dữ liệu mất kết nối", "Sources that do not answer"),
    ("centre.sources_late", "nguồn", 0, "Nguồn dữ liệu trễ", "Sources that are late"),
    ("centre.rejected_10m", "bản ghi", 0, "Bản ghi bị loại trong 10 phút", "Records refused in 10 minutes"),
    ("centre.ledger_faults", "lỗi", 0, "Lỗi đối chiếu sổ cái", "Faults of the ledger"),
    ("centre.lag", "lô", 0, "Lô dữ liệu chờ ghi", "Batches that wait to be applied"),
    ("centre.stalled_s", "giây", 0, "Thời gian xử lý đứng yên", "Time since processing last moved on"),
    ("centre.disk_free", "%", 1, "Dung lượng đĩa còn trống", "Disk space free"),
    ("centre.clock_off_s", "giây", 1, "Độ lệch đồng hồ", "How far the clock is off"),
    ("alerts.firing", "cảnh báo", 0, "Cảnh báo đang diễn ra", "Alerts that hold"),
    ("alerts.unacknowledged", "cảnh báo", 0, "Cảnh báo chưa ai nhận", "Alerts that nobody has acknowledged"),
    ("alerts.new_10m", "cảnh báo", 0, "Cảnh báo mới trong 10 phút", "New alerts in 10 minutes"),
    ("alerts.flood", "", 0, "Đang ngập cảnh báo (1: có)", "Flood of alerts (1: yes)"),
    ("alerts.stale", "cảnh báo", 0, "Cảnh báo kéo dài quá 24 giờ", "Alerts that last longer than 24 hours"),
    ("alerts.undelivered", "tin", 0, "Tin cảnh báo không gửi được trong 24 giờ", "Messages given up in 24 hours"),
)


def own_figures() -> dict[str, KpiDefinition]:
    """By id. Their expression is empty: nothing is computed of data."""
    return {
        figure: KpiDefinition(
            id=figure,
            sector=SECTOR.id,
            name={"vi": vi, "en": en},
            unit_of_measure=unit,
            window=Window(WindowKind.NOW),
            window_text="now",
            expression=Formula("", ()),
            version="1",
            digits=digits,
            per=(UnitLevel.PROVINCE,),
        )
        for figure, unit, digits, vi, en in _FIGURES
    }


def with_own_figures(catalog: Catalog) -> Catalog:
    """The catalogue as rules see it."""
    kpis: Mapping[str, KpiDefinition] = {**catalog.kpis, **own_figures()}
    return replace(catalog, kpis=kpis, sectors={**catalog.sectors, SECTOR.id: SECTOR})
