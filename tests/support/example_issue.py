"""An issue of a report with invented values: a table, prose, a chart and a correction."""

from dataclasses import replace

from ioc.reports.issue_content import Cell, Correction, Drawing, FigureSource, Issue, Prose, Row, Table, TableColumn

TITLES = {
    "online_services": {"vi": "Thống kê dịch vụ công trực tuyến", "en": "Statistics of online services"},
    "alarm_audit": {"vi": "Tự đánh giá hệ thống cảnh báo", "en": "Self-audit of the alarms"},
}


OCTOBER = {"vi": "tháng 10/2026", "en": "October 2026"}


VALUE = {"vi": "Kỳ này", "en": "This period"}


CHANGE = {"vi": "So kỳ trước", "en": "Change"}


ON_TIME = {"vi": "Đúng hạn", "en": "On time"}


NO_DATA = {"vi": "không có dữ liệu", "en": "no data"}


TOO_FEW = {"vi": "chưa đủ mẫu, có 7 trên ít nhất 20", "en": "7/20 samples, too few"}


def example_issue(number: int = 1) -> Issue:
    """Forty communes, one with too few samples and one without data."""

    def row(place: int) -> Row:
        key = ("dossier.on_time_rate", f"{19700 + place}", "2026-10")
        known = Cell(96.0 + place / 16, 1, key=key, samples=100 + place, origin="published")
        cell = {3: Cell(None, why=TOO_FEW, key=key, samples=7, short="7/20"), 4: Cell(None, why=NO_DATA, key=key)}
        name = {"vi": f"Xã số {place}", "en": f"Commune {place}"}
        section = {"vi": "Xã, phường", "en": "Communes"}
        return Row(name, (cell.get(place, known), Cell(0.5 - place / 8, 1), Cell(float(place), 0)), section=section)

    whole = Row(
        {"vi": "Toàn tỉnh", "en": "Province"}, (Cell(96.7, 1), Cell(-0.25, 1), Cell(None, why=NO_DATA)), strong=True
    )
    columns = (
        TableColumn(VALUE, {"vi": "%", "en": "%"}, ON_TIME),
        TableColumn(CHANGE, {"vi": "điểm %", "en": "points"}, ON_TIME),
        TableColumn({"vi": "Hạng", "en": "Rank"}, {}, ON_TIME),
    )
    table = Table("units", {"vi": "Từng xã, phường", "en": "Each commune"}, {"vi": "Đơn vị", "en": "Unit"}, columns,
                  (whole, *map(row, range(1, 41))))  # fmt: skip
    summary = {"vi": "Tiếp nhận 34.259 hồ sơ.", "en": "34,259 dossiers were received."}
    drawing = Drawing(
        "year", {"vi": "Qua 13 tháng", "en": "Over 13 months"}, "line", {"vi": "%", "en": "%"}, 1, (), (), 98.0
    )
    issue = Issue(
        report="online_services",
        title=TITLES["online_services"],
        period="2026-10",
        period_name=OCTOBER,
        period_from="2026-09-30T17:00:00Z",
        period_to="2026-10-31T17:00:00Z",
        number=number,
        made_at="2026-11-03T00:00:00Z",
        made_by="lịch",
        taken_at="2026-11-02T23:58:00Z",
        province="Thành phố Huế",
        demonstration=True,
        version="a1",
        basis="QĐ 766/QĐ-TTg",
        one_page=False,
        notes=(),
        blocks=(Prose("summary", {}, summary), drawing, table),
        sources=(FigureSource("one-stop-shop", "2026-11-02T23:57:00Z"),),
        send_to=("leaders-mail",),
    )
    if number == 1:
        return issue
    commune = {"vi": "Tỷ lệ hồ sơ đúng hạn", "en": "Dossiers on time"}
    key = ("dossier.on_time_rate", commune, "19701", "Xã số 1", "2026-10", OCTOBER)
    change = Correction(*key, 96.0625, 95.5, 1, "data", 12, "2026-11-05T02:00:00Z")
    return replace(issue, replaces=number - 1, changes=(change,), made_at="2026-11-06T00:00:00Z")
