"""Constants with their times: figures that a decision set and the next one changes."""

from itertools import pairwise

from ioc.catalog.toml_table import TomlTable
from ioc.model.kpi import Constant, ConstantValue


def read_constant(row: TomlTable) -> Constant:
    """The values stand apart and without a gap between them; what is wrong is noted at the row."""
    values = [value for inner in row.tables("values") if (value := _value(inner)) is not None]
    if not row.has("values") or not row.data["values"]:
        row.fault("values", 'is missing; write [{ from = "2026-01-01", value = 1, basis = "…" }].')
    values.sort(key=lambda value: value.valid_from)
    for earlier, later in pairwise(values):
        if earlier.valid_from == later.valid_from or (earlier.until or later.valid_from) > later.valid_from:
            row.fault(
                "values",
                f"Two values hold on {later.valid_from}; end the one from {earlier.valid_from} where the next begins.",
            )
        elif (earlier.until or later.valid_from) < later.valid_from:
            row.fault(
                "values",
                f"No value holds from {earlier.until} to {later.valid_from}; leave out `until`, or fill the gap.",
            )
    constant = Constant(row.identifier(), row.names("name"), tuple(values))
    row.finish(["values"])
    return constant


def _value(row: TomlTable) -> ConstantValue | None:
    valid_from, until = row.day("from"), row.day("until", required=False)
    value = row.number("value")
    if value is None and not row.has("value"):
        row.fault("value", "is missing; write the number that holds from then on.")
    basis = row.text("basis")
    if valid_from and until and until <= valid_from:
        row.fault("until", f"{until} is not after `from` {valid_from}.")
    row.finish()
    return None if valid_from is None or value is None else ConstantValue(valid_from, value, basis, until)
