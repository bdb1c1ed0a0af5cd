"""A lab's published file with some closed periods, as ioc/lab publishes it (the stable views that open data reads)."""

from pathlib import Path

import duckdb

PROVINCE, COMMUNES = "46", ("19753", "19774", "19777", "19789")
MONTHS = (9, 10)
DOSSIERS = {"19753": 2, "19774": 40, "19777": 60, "19789": 55}
PUBLISHED_AT = "2026-11-02 03:00:05"


def publish(path: Path, *, dossiers: dict[str, int] = DOSSIERS) -> Path:
    """Dossiers received of four communes and their province in two months; traffic of three days of October."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE units (code VARCHAR, name VARCHAR, parent VARCHAR);"
            "CREATE TABLE kpi_periods (kpi VARCHAR, unit VARCHAR, period VARCHAR, period_from TIMESTAMP, "
            "period_to TIMESTAMP, value DOUBLE, samples BIGINT, definition_version VARCHAR, published_at TIMESTAMP)"
        )
        units = [(PROVINCE, "Thành phố Huế", ""), *((code, f"Phường {code}", PROVINCE) for code in COMMUNES)]
        connection.executemany("INSERT INTO units VALUES (?, ?, ?)", units)
        for month in MONTHS:
            start, end = f"2026-{month:02}-01", f"2026-{month + 1:02}-01"
            counts = dossiers | {PROVINCE: sum(dossiers.values())}
            rows = [
                ("dossier.received.month", unit, "month", start, end, float(n), n, "v1", PUBLISHED_AT)
                for unit, n in counts.items()
            ]
            rows += [
                ("dossier.on_time_rate", unit, "month", start, end, 97.456, n, "v1", PUBLISHED_AT)
                for unit, n in counts.items()
            ]
            connection.executemany("INSERT INTO kpi_periods VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        for day in (29, 30, 31):
            start, end = f"2026-10-{day}", f"2026-10-{day + 1}" if day < 31 else "2026-11-01"
            row = ("traffic.vehicles_total", PROVINCE, "day", start, end, 3.0, 3, "v1", PUBLISHED_AT)
            connection.execute("INSERT INTO kpi_periods VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    return path
