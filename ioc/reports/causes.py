"""Why a figure differs from an earlier one, as text."""

from ioc.reports.issue_content import Correction


def cause_text(one: Correction, language: str) -> str:
    vietnamese = language == "vi"
    match one.cause:
        case "data":
            count = f"{one.late_samples:,}".replace(",", "." if vietnamese else ",")
            return f"dữ liệu đến muộn ({count} bản ghi)" if vietnamese else f"late data ({count} records)"
        case "definition":
            return "định nghĩa chỉ tiêu thay đổi" if vietnamese else "the KPI's definition changed"
        case "published":
            return (
                "lần trước số liệu chưa được công bố"
                if vietnamese
                else "the figure was not published at the last issue"
            )
    return "số liệu tính lại từ dữ liệu đến sau" if vietnamese else "recalculated from data that came since"
