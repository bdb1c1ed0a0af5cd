"""Read and check the blocks of a report's file."""

from ioc.catalog.catalog import Catalog
from ioc.catalog.rules import UNITS
from ioc.catalog.toml_table import TomlTable, closest
from ioc.messages import Message
from ioc.model.kpi import KpiDefinition
from ioc.reports.definition import (
    SHOWS,
    AlertTable,
    Block,
    Chart,
    KpiTable,
    MatrixRow,
    MatrixTable,
    Paragraph,
    ShownKpi,
    Text,
    UnitTable,
)
from ioc.reports.kpi_periods import misfit
from ioc.reports.periods import PeriodLength
from ioc.reports.text_placeholders import SentenceUnfit, kpis_of, renamed

KINDS = ("text", "units", "kpis", "matrix", "alerts", "chart")
_MOST_ROWS = 100
_IN_ROWS_OF_KPIS = tuple(show for show in SHOWS if show != "rank")


class BlockReader:
    """Reads `[[block]]` tables of a report of one period length; faults are added to the row."""

    def __init__(self, catalog: Catalog, length: PeriodLength) -> None:
        self._catalog = catalog
        self._length = length

    def read(self, row: TomlTable) -> tuple[Block, ...]:
        """Return the blocks. Empty lists and repeated ids are faults."""
        blocks: list[Block] = []
        for inner in row.tables("block"):
            inner.subject = f"{row.subject} · table {inner.data.get('id', '?')}"
            block = self._block(inner)
            if block is not None:
                if any(block.id == other.id for other in blocks):
                    inner.fault("id", Message("block_twice", given=block.id))
                blocks.append(block)
        if not row.data.get("block"):
            row.fault("block", Message("blocks_missing"))
        return tuple(blocks)

    def _block(self, row: TomlTable) -> Block | None:
        kind = row.choice("kind", KINDS)
        block_id = row.identifier()
        title = row.names("title", required=kind not in ("text", ""))
        notes: tuple[Text, ...] = ()
        if kind in ("units", "kpis", "matrix", "alerts"):
            notes = tuple({language: note.text(language) for language in ("vi", "en")} for note in row.tables("notes"))
        block: Block | None = None
        match kind:
            case "text":
                block = Paragraph(block_id, title, self._sentence(row))
            case "units":
                levels = self._levels(row, "rows")
                block = UnitTable(block_id, title, levels, self._columns(row, levels), notes)
            case "kpis":
                block = self._kpi_table(row, block_id, title, notes)
            case "matrix":
                unit = self._unit(row)
                columns = tuple(self._heading(inner) for inner in row.tables("columns"))
                rows = tuple(self._matrix_row(inner, unit, len(columns)) for inner in row.tables("rows"))
                block = MatrixTable(block_id, title, unit, columns, rows, notes)
            case "alerts":
                of = row.choice("of", ("audit", "top", "standing", "longest"))
                limit, operators = row.whole("limit", 10, 1, _MOST_ROWS), row.whole("operators", 1, 1, 1000)
                block = AlertTable(block_id, title, of, limit, operators, notes)
            case "chart":
                block = self._chart(row, block_id, title)
        row.finish(["columns", "rows", "notes"])
        return block

    def _kpi_table(self, row: TomlTable, block_id: str, title: Text, notes: tuple[Text, ...]) -> KpiTable:
        unit = self._unit(row)
        show = self._shows(row, "show", _IN_ROWS_OF_KPIS)
        found = [self._kpi(row, "kpis", word, unit) for word in row.texts("kpis", required=True)]
        kpis = [ShownKpi(kpi.id, show, best_of(kpi)) for kpi in found if kpi is not None]
        by_change, limit = row.flag("by_change"), row.whole("limit", 0, 0, _MOST_ROWS)
        return KpiTable(block_id, title, unit, tuple(kpis), show, by_change, limit, notes)

    def _chart(self, row: TomlTable, block_id: str, title: Text) -> Chart | None:
        kind = row.choice("chart", ("line", "bars"))
        unit = self._unit(row)
        count = row.whole("count", 13 if kind == "line" else 10, 2, 60)
        levels = self._levels(row, "rows") if kind == "bars" else ()
        kpi = self._kpi(row, "kpi", row.text("kpi"), unit, levels)
        best = row.choice("best", ("high", "low"), best_of(kpi) if kpi else "high")
        if kpi is None:
            return None
        return Chart(block_id, title, kind, kpi.id, unit, levels[0] if levels else "", count, best)

    def _columns(self, row: TomlTable, levels: tuple[str, ...]) -> tuple[ShownKpi, ...]:
        columns = []
        for inner in row.tables("columns"):
            kpi = self._kpi(inner, "kpi", inner.text("kpi"), "", levels)
            show = self._shows(inner, "show", SHOWS)
            best = inner.choice("best", ("high", "low"), best_of(kpi) if kpi else "high")
            name = inner.names("name", required=False)
            inner.finish()
            if kpi is not None:
                columns.append(ShownKpi(kpi.id, show, best, name))
        if not row.data.get("columns"):
            row.fault("columns", Message("columns_missing"))
        return tuple(columns)

    def _matrix_row(self, row: TomlTable, unit: str, columns: int) -> MatrixRow:
        words = row.texts("kpis", required=True)
        if words and len(words) != columns:
            row.fault("kpis", Message("columns_of_kpis", kpis=len(words), columns=columns))
        found = [self._kpi(row, "kpis", word, unit) for word in words]
        name = row.names("name", required=False)
        made = MatrixRow(name, tuple(kpi.id for kpi in found if kpi), row.number("most"), row.flag("strong"))
        row.finish()
        return made

    def _heading(self, row: TomlTable) -> Text:
        text = {language: row.text(language) for language in ("vi", "en")}
        row.finish()
        return text

    def _sentence(self, row: TomlTable) -> Text:
        """Check each KPI that a text names and write it with its full id."""
        texts = row.names("text")
        for language, text in texts.items():
            if not isinstance(text, str):
                continue
            try:
                named = kpis_of(text)
            except SentenceUnfit as fault:
                row.fault(f"text.{language}", fault.message)
                continue
            found = {word: self._kpi(row, f"text.{language}", word, self._catalog.province.code) for word in named}
            texts[language] = renamed(text, {word: kpi.id for word, kpi in found.items() if kpi is not None})
        return texts

    def _shows(self, row: TomlTable, field: str, choices: tuple[str, ...]) -> tuple[str, ...]:
        shows = row.texts(field, required=False) or ("value",)
        for word in shows:
            if word not in choices:
                row.fault(field, Message("none_of", given=word, known=choices, nearest=closest(word, choices)))
        return tuple(word for word in shows if word in choices)

    def _levels(self, row: TomlTable, field: str) -> tuple[str, ...]:
        words = row.texts(field, required=True)
        for word in words:
            if word not in UNITS:
                row.fault(field, Message("none_of", given=word, known=UNITS, nearest=closest(word, UNITS)))
        return tuple(word for word in words if word in UNITS)

    def _unit(self, row: TomlTable) -> str:
        province = self._catalog.province
        code = row.text("unit", province.code)
        if code not in self._catalog.vocabulary.units:
            row.fault("unit", Message("unknown_unit", province=province.name, given=code))
            return province.code
        return code

    def _kpi(
        self, row: TomlTable, field: str, word: str, unit: str, levels: tuple[str, ...] = ()
    ) -> KpiDefinition | None:
        """Find a KPI by its id or by its family."""
        kpis = self._catalog.kpis
        definition = kpis.get(word) or kpis.get(f"{word}.{self._length}")
        if definition is None:
            if word:
                known = {kpi.family or kpi.id for kpi in kpis.values()} | set(kpis)
                row.fault(field, Message("unknown_kpi", nearest=closest(word, known), given=word))
            return None
        if why := misfit(definition, self._length):
            row.fault(field, Message("kpi_misfits_report", kpi=definition.id, period=self._length, reason=why))
            return None
        wanted = [UNITS[level] for level in levels]
        if unit:
            wanted.append(self._catalog.vocabulary.units[unit].level)
        if not any(level in definition.per for level in wanted):
            spoken = ", ".join(definition.per)
            row.fault(field, Message("kpi_without_these_units", kpi=definition.id, known=spoken))
            return None
        return definition


def best_of(definition: KpiDefinition) -> str:
    """Return which end is good: low where a target says "at most"."""
    latest = max(definition.targets, key=lambda target: target.year, default=None)
    return "low" if latest is not None and latest.at_most is not None else "high"
