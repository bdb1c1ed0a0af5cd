"""Format numbers, times and reasons for readers: 1.234,5 in Vietnamese, 1,234.5 in English."""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ioc.catalog.units_of_measure import in_english
from ioc.model.kpi import Freshness, KpiDefinition, Target
from ioc.reports.definition import Text
from ioc.reports.figures import Figure, Origin

LANGUAGES = ("vi", "en")
DASH = "—"
PARTIAL = "*"
"""Appended to the name of a KPI that has data for part of the period only."""
SHOWN: dict[str, Text] = {
    "value": {"vi": "Kỳ này", "en": "This period"},
    "before": {"vi": "Kỳ trước", "en": "Period before"},
    "change": {"vi": "So kỳ trước", "en": "Change"},
    "change_rate": {"vi": "Tăng, giảm", "en": "Change rate"},
    "last_year": {"vi": "Cùng kỳ năm trước", "en": "Same period last year"},
    "change_last_year": {"vi": "So cùng kỳ", "en": "Against last year"},
    "target": {"vi": "Mục tiêu", "en": "Target"},
    "met": {"vi": "Kết quả", "en": "Met"},
    "rank": {"vi": "Hạng", "en": "Rank"},
    "samples": {"vi": "Số mẫu", "en": "Samples"},
}
MET: dict[bool, Text] = {
    True: {"vi": "Đạt", "en": "Met"},
    False: {"vi": "Chưa đạt", "en": "Not met"},
}
PROVINCE: Text = {"vi": "Toàn tỉnh, thành phố", "en": "Whole province"}
SECTIONS: dict[str, Text] = {
    "province": {"vi": "", "en": ""},
    "departments": {"vi": "Sở, ban, ngành", "en": "Departments"},
    "communes": {"vi": "Xã, phường", "en": "Communes"},
}
NO_TARGET: Text = {"vi": "chưa có mục tiêu", "en": "no target"}
NOT_SPOKEN: Text = {"vi": "không áp dụng cho đơn vị này", "en": "does not apply to this unit"}


def number(value: float, digits: int, language: str) -> str:
    """Format a number. A value that rounds to zero has no sign; the minus is U+2212."""
    text = f"{abs(value):,.{digits}f}"
    negative = value < 0 and float(text.replace(",", "")) != 0
    if language == "vi":
        text = text.replace(",", "_").replace(".", ",").replace("_", ".")
    return f"−{text}" if negative else text


def as_printed(value: float, digits: int) -> float:
    """Return the value that `number` prints, rounded the same way."""
    return float(f"{value:.{digits}f}")


def signed(value: float, digits: int, language: str) -> str:
    text = number(value, digits, language)
    return f"+{text}" if value > 0 and text.strip("0,.") else text


def said(vi: str, en: str) -> Text:
    return {"vi": vi, "en": en}


def measured_in(unit_of_measure: str) -> Text:
    return {"vi": unit_of_measure, "en": in_english(unit_of_measure)}


def changed_in(unit_of_measure: str) -> Text:
    """Return the unit of a difference: shares differ by points, not by per cent."""
    return {"vi": "điểm %", "en": "points"} if unit_of_measure == "%" else measured_in(unit_of_measure)


def with_unit(value: str, unit_of_measure: str) -> str:
    return f"{value}{'' if unit_of_measure.startswith('/') else ' '}{unit_of_measure}"


def lack_of(figure: Figure, definition: KpiDefinition) -> tuple[Text, str]:
    """Return why there is no value, in full and in short."""
    if figure.origin is Origin.DAYS and figure.lacking:
        return said(f"thiếu số liệu của {figure.lacking}/7 ngày", f"{figure.lacking} of 7 days lack data"), ""
    if figure.state is Freshness.INSUFFICIENT:
        least = definition.min_samples
        short = f"{figure.samples}/{least}" if figure.samples < least else ""
        if not short:
            return said("chưa đủ dữ liệu của các phần", "some part has too little data"), ""
        return said(f"chưa đủ mẫu, có {figure.samples} trên ít nhất {least}", f"{short} samples, too few"), short
    return said("không có dữ liệu", "no data"), ""


def target_text(target: Target, digits: int, language: str) -> str:
    bound, sign = (target.at_least, "≥") if target.at_least is not None else (target.at_most, "≤")
    assert bound is not None
    return f"{sign} {number(bound, 0 if bound == int(bound) else digits, language)}"


def reached(target: Target, value: float) -> bool:
    """Return whether the target is reached by the exact value, not the rounded one."""
    if target.at_least is not None:
        return value >= target.at_least
    assert target.at_most is not None
    return value <= target.at_most


def known_from(names: Sequence[Text], first_day: date) -> Text:
    """Return the note for KPIs whose period began before their data did."""
    day = f"{first_day:%d/%m/%Y}"
    vi, en = ("; ".join(name[language] for name in names) for language in LANGUAGES)
    return said(
        f"{PARTIAL} Tạm tính, chỉ có số liệu từ {day}: {vi}.", f"{PARTIAL} Provisional, data began on {day}: {en}."
    )


def clock(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%H:%M %d/%m/%Y}"


def listed(parts: Sequence[str], language: str) -> str:
    word = " và " if language == "vi" else " and "
    return word.join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))
