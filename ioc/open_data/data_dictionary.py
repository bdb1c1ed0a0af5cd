"""The data dictionary: the meaning of each column and KPI of a dataset, in both languages."""

from typing import Any

from ioc.open_data.dataset_selection import Dataset, OpenData

HEADER = ("name", "type", "description_vi", "description_en")
TEXTS: dict[str, tuple[str, str, str]] = {
    "unit": (
        "string",
        "Mã đơn vị hành chính (Cục Thống kê) hoặc mã cơ quan",
        "Code of the administrative unit or agency",
    ),
    "unit_name": ("string", "Tên đơn vị", "Name of the unit"),
    "kpi": ("string", "Mã chỉ số", "Id of the KPI"),
    "kpi_name": ("string", "Tên chỉ số", "Name of the KPI, in Vietnamese"),
    "period": (
        "string",
        "Kỳ đã đóng: 2026-10-31, 2026-10, 2026-Q3 hoặc 2026",
        "Closed period: 2026-10-31, 2026-10, 2026-Q3 or 2026",
    ),
    "first_day": ("date", "Ngày đầu của kỳ, theo giờ Việt Nam", "First day of the period, in Vietnam's time"),
    "last_day": ("date", "Ngày cuối của kỳ", "Last day of the period"),
    "value": (
        "number",
        "Giá trị; trống khi được ẩn hoặc chưa đủ mẫu",
        "Value; empty when suppressed or with too few samples",
    ),
    "unit_of_measure": ("string", "Đơn vị đo", "Unit of measure"),
    "samples": (
        "integer",
        "Số vụ việc (hoặc số lần đo) làm nên giá trị; trống khi được ẩn",
        "Cases (or readings) that the value rests on; empty when suppressed",
    ),
    "suppressed": (
        "boolean",
        "true: được ẩn vì dưới 5 vụ việc, hoặc vì từ nó tính ra được số dưới 5",
        "true: hidden since it rests on fewer than 5 cases, or since such a one could be calculated from it",
    ),
    "definition_version": ("string", "Phiên bản định nghĩa của chỉ số", "Version of the KPI's definition"),
    "published_at": (
        "datetime",
        "Lúc giá trị của kỳ được công bố lần cuối",
        "When the period's value was last published",
    ),
}


def column_rows() -> list[list[str]]:
    """Return the rows under HEADER."""
    return [[name, kind, vi, en] for name, (kind, vi, en) in TEXTS.items()]


def described(dataset: Dataset) -> dict[str, Any]:
    """Return a dataset with its KPIs, as in `/open/dictionary.json`."""
    return {
        "id": dataset.id,
        "title": dict(dataset.title),
        "description": dict(dataset.description),
        "theme": dataset.theme,
        "period": dataset.period,
        "keywords": {tongue: list(words) for tongue, words in dataset.keywords.items()},
        "kpis": [
            {
                "id": kpi.definition.id,
                "name": dict(kpi.definition.name),
                "unit_of_measure": kpi.definition.unit_of_measure,
                "basis": kpi.definition.basis,
                "definition_version": kpi.definition.version,
                "over_cases": bool(kpi.case_types),
            }
            for kpi in dataset.kpis
        ],
    }


def dictionary(chosen: OpenData) -> dict[str, Any]:
    """Return the whole dictionary, without figures. Publisher and contact are null while they are not set."""
    return {
        "publisher": dict(chosen.publisher) or None,
        "homepage": chosen.homepage,
        "contact": {"name": chosen.contact_name, "email": chosen.contact_email} if chosen.contact_email else None,
        "licence": {"name": chosen.licence_name, "url": chosen.licence_url},
        "columns": [
            {"name": name, "type": kind, "description": {"vi": vi, "en": en}} for name, kind, vi, en in column_rows()
        ],
        "datasets": [described(dataset) for dataset in chosen.datasets],
    }
