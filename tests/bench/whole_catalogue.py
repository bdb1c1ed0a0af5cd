"""A store with data for all measures and case types of the shipped catalogue, in the size of a large province's."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from ioc.catalog import Catalog
from ioc.model.measure import Measure
from ioc.store.store import Store

_CADENCES = ((5, 1440), (15, 2880), (60, 43_200), (1440, 525_600))
"""Minutes between a measure's readings, and for how many minutes back they stand in the store."""
_DOSSIERS, _OTHER_CASES = 300_000, 20_000
_ROLLED = (
    "SELECT measure, unit, 0, {time}, sum(n), sum(sum), sum(sum_squares), min(least), max(most), min(first_at), 1, "
    "max(last_at), 99 FROM {source} GROUP BY measure, unit, {time}"
)


def fill(store: Store, catalog: Catalog, now: datetime) -> int:
    """Panes of every measure in every unit, at four cadences in turn, and cases of every type; how many panes."""
    units, measures = list(catalog.vocabulary.units), list(catalog.vocabulary.measures.values())
    end = int(now.timestamp() // 60)
    with store.cursor() as cursor:
        for kind, words in (("measure", [measure.id for measure in measures]), ("unit", units)):
            cursor.executemany(f"INSERT INTO {kind}_codes VALUES (?, ?)", [[n + 1, w] for n, w in enumerate(words)])
        for number, measure in enumerate(measures):
            step, back = _CADENCES[number % len(_CADENCES)]
            cursor.execute(_panes(measure, number + 1, len(units), end - back, end, step))
        for level, source, time in (("hour", "kept_minute", "minute // 60"), ("day", "kept_hour", "(hour + 7) // 24")):
            cursor.execute(f"INSERT INTO kept_{level}_panes {_ROLLED.format(time=time, source=f'{source}_panes')}")
        for case_type in catalog.vocabulary.case_types:
            for query in _cases(catalog, case_type, units, now):
                cursor.execute(query)
        cursor.execute("CHECKPOINT")
        row = cursor.execute("SELECT count(*) FROM kept_minute_panes").fetchone()
    return int(row[0]) if row else 0


def _panes(measure: Measure, code: int, units: int, start: int, end: int, step: int) -> str:
    return (
        f"INSERT INTO kept_minute_panes SELECT {code}, u, 0, minute, 10, 500 + random(), 26000, 1, 99, "
        "minute * 60000::BIGINT, 1, minute * 60000::BIGINT + 59000, 99 "
        f"FROM range({start}, {end}, {step}) a(minute), range(1, {units + 1}) b(u)"
    )


def _cases(catalog: Catalog, case_type: str, units: list[str], now: datetime) -> Iterator[str]:
    kind = catalog.vocabulary.case_types[case_type]
    count = _DOSSIERS if case_type == "dossier" else _OTHER_CASES
    moment = now.astimezone(UTC).replace(tzinfo=None)
    words = dict.fromkeys(kind.attributes, 1)
    listed = ", ".join(f"'{unit}'" for unit in units)
    statuses = ", ".join(f"'{status}'" for status in kind.statuses)
    yield (
        "INSERT INTO cases SELECT "
        f"'{case_type}', '{case_type}-' || n, list_extract([{listed}], 1 + n % {len(units)}), "
        f"list_extract([{statuses}], 1 + n % {len(kind.statuses)}), CASE WHEN n % 2 = 0 THEN 'online' ELSE 'counter' "
        f"END, '1.00' || n % 40, r, r + INTERVAL 10 DAY, CASE WHEN n % 10 > 0 THEN r + INTERVAL (n % 15) DAY END, r, "
        f"'{json.dumps(words)}', hash(n), r + INTERVAL 10 DAY, 0, r "
        f"FROM (SELECT n, TIMESTAMP '{moment}' - INTERVAL (n * {365 * 86_400 / count}) SECOND AS r "
        f"FROM range({count}) t(n)) ORDER BY r"
    )
