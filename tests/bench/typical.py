"""What analysts of a centre typically ask over a year of 168 units, and the rows to ask it of."""

from datetime import UTC, datetime

from ioc.settings import VIETNAM, Settings
from ioc.store import Store

UNITS, DAY_MEASURES, HOUR_MEASURES, DAYS, CASES_A_DAY = 168, 12, 3, 365, 8
FROM, TO = "TIMESTAMP '2026-05-01'", "TIMESTAMP '2026-06-01'"
OF_DAYS_AND_CASES = {
    "a unit's measure by day": "SELECT time, mean FROM readings_day WHERE measure = 'm3' AND unit = 'u7' ORDER BY time",
    "a measure by month, all units": "SELECT date_trunc('month', time) AS month, sum(sum) AS total FROM readings_day "
    "WHERE measure = 'm3' GROUP BY 1 ORDER BY 1",
    "the ten highest units of a month": "SELECT unit, sum(sum) / sum(n) AS mean FROM readings_day WHERE measure = 'm5' "
    f"AND time >= {FROM} AND time < {TO} GROUP BY unit ORDER BY mean DESC LIMIT 10",
    "every measure of a unit": "SELECT measure, sum(sum) AS total, max(most) AS most FROM readings_day "
    "WHERE unit = 'u7' GROUP BY measure ORDER BY measure",
    "a measure by weekday": "SELECT extract(isodow FROM time) AS weekday, avg(mean) AS mean FROM readings_day "
    "WHERE measure = 'm1' GROUP BY 1 ORDER BY 1",
    "all measures by month": "SELECT measure, date_trunc('month', time) AS month, sum(sum) AS total FROM readings_day "
    "GROUP BY 1, 2 ORDER BY 1, 2",
    "on-time rate by unit": "SELECT unit, 100.0 * sum(CASE WHEN closed_at <= due_at THEN 1 ELSE 0 END) / count(*) "
    "AS rate FROM cases WHERE closed_at IS NOT NULL GROUP BY unit ORDER BY rate",
    "received by month and channel": "SELECT date_trunc('month', received_at) AS month, channel, count(*) AS n "
    "FROM cases GROUP BY 1, 2 ORDER BY 1, 2",
    "open and overdue by service": "SELECT service, count(*) AS n FROM cases WHERE closed_at IS NULL AND due_at < "
    f"{TO} GROUP BY service ORDER BY n DESC",
    "settling time by service": "SELECT service, avg(extract(epoch FROM (closed_at - received_at))) / 86400 AS days "
    "FROM cases WHERE closed_at IS NOT NULL GROUP BY service ORDER BY days DESC",
}
OF_HOURS = {
    "a unit's hours of a month": "SELECT time, mean FROM readings_hour WHERE measure = 'm1' AND unit = 'u7' "
    f"AND time >= {FROM} AND time < {TO} ORDER BY time",
    "all units' days of a month": "SELECT unit, date_trunc('day', time) AS day, sum(sum) / sum(n) AS mean FROM "
    f"readings_hour WHERE measure = 'm2' AND time >= {FROM} AND time < {TO} GROUP BY 1, 2 ORDER BY 1, 2",
    "a year by hour of the day": "SELECT extract(hour FROM time) AS hour, avg(mean) AS mean FROM readings_hour "
    "WHERE measure = 'm1' GROUP BY 1 ORDER BY 1",
    "a year by unit and hour of the day": "SELECT unit, extract(hour FROM time) AS hour, avg(mean) AS mean "
    "FROM readings_hour WHERE measure = 'm1' GROUP BY 1, 2 ORDER BY 1, 2",
    "hours above a bound by unit": "SELECT unit, count(*) AS hours FROM readings_hour WHERE measure = 'm2' "
    "AND mean > 10.9 GROUP BY unit ORDER BY hours DESC",
    "the ten highest hours of the year": "SELECT time, unit, most FROM readings_hour WHERE measure = 'm3' "
    "ORDER BY mean DESC LIMIT 10",
    "every measure's year": "SELECT measure, sum(n) AS n, sum(sum) / sum(n) AS mean, max(most) AS most "
    "FROM readings_hour GROUP BY measure ORDER BY measure",
}
_DAY = (datetime(2026, 11, 20, tzinfo=UTC).date() - datetime(1970, 1, 1, tzinfo=UTC).date()).days


def filled(settings: Settings) -> Store:
    """Opened; a year of day rows, hour rows and cases."""
    store = Store.open(settings.store_path, settings.archive_dir, zone=VIETNAM)
    last_hour = _DAY * 24 - 7
    with store.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO measure_codes SELECT n, 'm' || n FROM range(1, {DAY_MEASURES + 1}) t(n);
            INSERT INTO unit_codes SELECT n, 'u' || n FROM range(1, {UNITS + 1}) t(n);
            INSERT INTO kept_day_panes SELECT m, u, 0, d, 24, 24 * (10 + random()), 9000, 1, 30, 1000, 5, 2000, 6
            FROM range({_DAY - DAYS}, {_DAY}) t(d), range(1, {DAY_MEASURES + 1}) s(m), range(1, {UNITS + 1}) r(u);
            INSERT INTO kept_hour_panes SELECT m, u, 0, h, 12, 12 * (10 + random()), 4500, 1, 30, 1000, 5, 2000, 6
            FROM range({last_hour - DAYS * 24}, {last_hour}) t(h), range(1, {HOUR_MEASURES + 1}) s(m),
                range(1, {UNITS + 1}) r(u);
            CREATE TEMP TABLE made AS SELECT 'dossier' AS case_type,
                u || '-' || d || '-' || n AS case_id, 'u' || u AS unit,
                CASE WHEN n < 7 THEN 'settled' ELSE 'processing' END AS status,
                CASE WHEN n % 2 = 0 THEN 'online' ELSE 'counter' END AS channel, '1.' || (u * n % 90) AS service,
                make_timestamp((d * 86400 + n * 3000)::BIGINT * 1000000) AS received_at,
                received_at + INTERVAL 5 DAY AS due_at,
                CASE WHEN n < 7 THEN received_at + to_hours((40 + hash(u, d, n) % 90)::INTEGER) END AS closed_at,
                coalesce(closed_at, received_at) AS updated_at, '{{"level":"full"}}' AS attributes
            FROM range({_DAY - DAYS}, {_DAY}) t(d), range({CASES_A_DAY}) s(n), range(1, {UNITS + 1}) r(u);
            INSERT INTO cases SELECT *, hash(case_id), due_at, 0, received_at FROM made;
            INSERT INTO case_changes SELECT *, updated_at FROM made; DROP TABLE made"""
        )
    return store
