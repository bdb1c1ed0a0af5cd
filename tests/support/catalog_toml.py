"""Pieces of a definition pack in TOML: a sector, two measures, a case type and KPIs."""

SECTOR = '[sector]\nid = "own"\nname = { vi = "Riêng", en = "Own" }\n'


MEASURES = """
[[measure]]
id = "own.level"
name = { vi = "Mực", en = "Level" }
unit_of_measure = "m"
kind = "gauge"

[[measure]]
id = "own.count"
name = { vi = "Số", en = "Count" }
unit_of_measure = "lượt"
kind = "delta"

[[case_type]]
id = "job"
name = { vi = "Việc", en = "Job" }
statuses = ["open", "done"]
attributes = ["cost", "urgent"]
"""


AGGREGATE = 'aggregate = { measure = "own.level", take = "mean" }'


COUNT = """count = { of = "job", where = "true", at = "received_at" }"""


def kpi(*lines: str, kpi_id: str = "own.kpi", window: str = "today", expression: str = AGGREGATE) -> str:
    """A [[kpi]] table; `lines` come behind the usual fields."""
    return "\n".join(
        [
            "[[kpi]]",
            f'id = "{kpi_id}"',
            'name = { vi = "Chỉ tiêu", en = "KPI" }',
            'unit_of_measure = "m"',
            f'window = "{window}"',
            'basis = "QĐ 1"',
            expression,
            *lines,
            "",
        ]
    )
