"""A centre with a little history, as the lab publishes it: two months of published values, readings, cases."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ioc.lab.publishing.publish import Publication, publish
from ioc.settings import Settings
from ioc.store.snapshot import take
from ioc.store.store import Store

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
COMMUNES = ("19753", "19774", "19777", "19789")
SECRET = "người nộp: Nguyễn Thị Bí Mật"
_FILL = f"""
INSERT INTO published_periods
SELECT 'dossier.on_time_rate', unit, 'month', month - INTERVAL 7 HOUR, month + INTERVAL 1 MONTH - INTERVAL 7 HOUR,
    90 + n, 40 + n, 'v1', TIMESTAMP '2026-11-02 01:00:00'
FROM (SELECT unnest(['46', '19753', '19774', '19777', '19789']) AS unit, unnest(range(5)) AS n),
    (SELECT unnest([TIMESTAMP '2026-09-01', TIMESTAMP '2026-10-01']) AS month);
INSERT INTO kpi_values
SELECT 'dossier.overdue_now', unit, moment, moment, 3, 3, 'live', 'v1'
FROM (SELECT unnest(['46', '19753', '19774']) AS unit),
    range(TIMESTAMP '2026-11-01', TIMESTAMP '2026-11-22', INTERVAL 1 HOUR) t(moment);
INSERT INTO measure_codes VALUES (1, 'air.pm25');
INSERT INTO unit_codes VALUES (1, '19753');
INSERT INTO subject_codes VALUES (1, 'AQ-01');
INSERT INTO kept_minute_panes
SELECT 1, 1, 1, m, 1, 30, 900, 30, 30, m * 60000, 30, m * 60000, 30 FROM range(29860000, 29860600) t(m);
INSERT INTO kept_hour_panes
SELECT 1, 1, 1, m // 60, count(*), 30 * count(*), 900 * count(*), 30, 30, min(m) * 60000, 30,
    max(m) * 60000, 30 FROM range(29860000, 29860600) t(m) GROUP BY ALL;
INSERT INTO kept_day_panes SELECT 1, 1, 1, (m + 420) // 1440, count(*), 30 * count(*), 900 * count(*), 30, 30,
    min(m) * 60000, 30, max(m) * 60000, 30 FROM range(29860000, 29860600) t(m) GROUP BY ALL;
INSERT INTO cases
SELECT 'dossier', 'D-' || n, '19753', 'received', 'online', '1.004873', TIMESTAMP '2026-11-20 01:00:00',
    NULL, NULL, TIMESTAMP '2026-11-20 01:00:00', '{{"level": "full", "applicant": "{SECRET}"}}', n, NULL, NULL, NULL
FROM range(20) t(n);
INSERT INTO case_changes SELECT 'dossier', 'D-' || n, '19753', 'received', 'online', '1.004873',
    TIMESTAMP '2026-11-20 01:00:00', NULL, NULL, TIMESTAMP '2026-11-20 01:00:00',
    '{{"level": "full", "applicant": "{SECRET}"}}', TIMESTAMP '2026-11-20 01:00:05'
FROM range(20) t(n);
"""


def published(data_dir: Path) -> tuple[Settings, Publication]:
    """Settings of a centre in `data_dir`, and its publication."""
    settings = replace(Settings(data_dir=data_dir), quack_port=None)
    store = Store.open(settings.store_path, settings.archive_dir, zone=settings.zone)
    try:
        with store.cursor() as cursor:
            cursor.execute(_FILL)
        snapshot = take(store, settings.snapshots_dir, NOW)
    finally:
        store.close()
    return settings, publish(snapshot, settings)
