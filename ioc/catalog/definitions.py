"""Read sectors, measures, case types, constants and KPIs from entries of the packs; each is checked by itself."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from hashlib import sha256
from itertools import pairwise

from ioc.catalog.catalog import Sector
from ioc.catalog.conditions import NUMBER_COLUMNS, TEXT_COLUMNS, TIME_COLUMNS
from ioc.catalog.expressions import EXPRESSIONS, read_expression
from ioc.catalog.toml_table import TomlTable, closest
from ioc.messages import Message
from ioc.model.case import AttributeType, CaseClock, CaseType
from ioc.model.kpi import (
    EVERY_PLACE,
    Band,
    Constant,
    ConstantValue,
    Expression,
    KpiDefinition,
    Reference,
    RollUp,
    Target,
)
from ioc.model.measure import Measure, MeasureKind
from ioc.model.number_text import exact_text
from ioc.model.personal_fields import PersonalTreatment
from ioc.model.unit import UnitLevel
from ioc.model.vocabulary import Vocabulary
from ioc.model.window import Window, WindowKind

_MAX_WINDOW = timedelta(days=30)
_YEARS = (2000, 2100)
_MAX_DIGITS = 6
_MAX_DUE_DAYS = 1000
CLOCKS = ("calendar", "working")
_RESERVED = frozenset({*TEXT_COLUMNS, *TIME_COLUMNS, *NUMBER_COLUMNS, "now", "attributes", "case_type"})


def read_sector(row: TomlTable) -> Sector:
    """Read a table `[sector]`."""
    sector = Sector(row.identifier(), row.names("name"), row.whole("order", 100, 0, 10_000))
    row.finish()
    return sector


def read_measure(row: TomlTable) -> Measure:
    """Read a table `[[measure]]`."""
    kind = row.choice("kind", [kind.value for kind in MeasureKind])
    least, most = row.number("least", float("-inf")), row.number("most", float("inf"))
    if least > most:
        row.fault("most", Message("most_below_least", most=exact_text(most, "en"), least=exact_text(least, "en")))
    measure = Measure(
        id=row.identifier(),
        name=row.names("name"),
        unit_of_measure=row.text("unit_of_measure"),
        kind=MeasureKind(kind or MeasureKind.GAUGE),
        least=least,
        most=most,
        keeps_subject=row.flag("keeps_subject"),
        quantiles=row.flag("quantiles"),
        distinct=row.flag("distinct"),
    )
    row.finish()
    return measure


def read_case_type(row: TomlTable, summed: Collection[str] = ()) -> CaseType:
    """Read a table `[[case_type]]`.

    `summed` are attributes that some KPI sums up; where the case type only lists its attributes, these are numbers.
    """
    attributes, types = _attributes(row, summed)
    case_type = CaseType(
        id=row.identifier(),
        name=row.names("name"),
        statuses=row.texts("statuses", required=True),
        attributes=attributes,
        clock=_clock(row),
        attribute_types=types,
        silence_is_zero=row.flag("silence_is_zero"),
        personal=_personal(row, attributes, types),
    )
    for status in case_type.clock.pauses_in:
        if status not in case_type.statuses:
            row.fault("pauses_in", Message("no_status", nearest=closest(status, case_type.statuses), given=status))
    for name in case_type.attributes:
        if name in _RESERVED or not name.isidentifier() or not name.isascii():
            row.fault(
                "attributes",
                Message("attribute_name", given=name),
            )
    row.finish()
    return case_type


def _attributes(row: TomlTable, summed: Collection[str]) -> tuple[tuple[str, ...], dict[str, AttributeType]]:
    """Return names, and the types of those that have one: `{ fee = "number" }`, or a list of names."""
    if not isinstance(row.data.get("attributes"), dict):
        names = row.texts("attributes", required=False)
        return names, {name: AttributeType.NUMBER for name in names if name in summed}
    table = row.table("attributes")
    words = [str(one) for one in AttributeType]
    types = {name: AttributeType(table.choice(name, words) or AttributeType.TEXT) for name in table.data}
    table.finish()
    return tuple(types), types


def _personal(
    row: TomlTable, attributes: Collection[str], types: Mapping[str, AttributeType]
) -> dict[str, PersonalTreatment]:
    """Return the attributes that connectors hash or drop: `personal = { applicant = "hash" }`."""
    if not row.has("personal"):
        return {}
    table = row.table("personal")
    words = [str(one) for one in PersonalTreatment]
    treatments = {name: PersonalTreatment(table.choice(name, words) or PersonalTreatment.DROP) for name in table.data}
    for name, treatment in treatments.items():
        if name not in attributes:
            table.fault(name, Message("no_attribute", given=name, nearest=closest(name, tuple(attributes))))
        elif treatment is PersonalTreatment.HASH and types.get(name) not in (
            None,
            AttributeType.TEXT,
            AttributeType.CODE,
        ):
            table.fault(name, Message("hash_type", given=name, type=types[name]))
    table.finish()
    return treatments


def _clock(row: TomlTable) -> CaseClock:
    return CaseClock(
        working=row.choice("clock", CLOCKS, CLOCKS[0]) == "working",
        pauses_in=row.texts("pauses_in", required=False),
        due_in=row.whole("due_in", 1, 1, _MAX_DUE_DAYS) if row.has("due_in") else None,
    )


def read_constant(row: TomlTable) -> Constant:
    """Read a table `[[constant]]`; its values neither overlap nor leave a gap."""
    values = [value for inner in row.tables("values") if (value := _constant_value(inner)) is not None]
    if not row.has("values") or not row.data["values"]:
        row.fault("values", Message("constant_values_missing"))
    values.sort(key=lambda value: value.valid_from)
    for earlier, later in pairwise(values):
        if earlier.valid_from == later.valid_from or (earlier.until or later.valid_from) > later.valid_from:
            row.fault(
                "values",
                Message("constant_overlap", day=later.valid_from, since=earlier.valid_from),
            )
        elif (earlier.until or later.valid_from) < later.valid_from:
            row.fault(
                "values",
                Message("constant_gap", until=earlier.until, since=later.valid_from),
            )
    constant = Constant(row.identifier(), row.names("name"), tuple(values))
    row.finish(["values"])
    return constant


def read_kpi(row: TomlTable, sector: str, vocabulary: Vocabulary, family: str = "") -> KpiDefinition | None:
    """Read a table `[[kpi]]`; None when its expression is faulty.

    The `version` of a formula does not include its parts yet (ioc/catalog/formula_order.py).
    """
    window_text = row.text("window")
    window = Window(WindowKind.TODAY)
    if window_text:
        try:
            window = Window.parse(window_text)
        except (ValueError, OverflowError) as fault:
            row.fault("window", Message("window_form", detail=str(fault).capitalize()))
    if window.span is not None and window.span > _MAX_WINDOW:
        row.fault("window", Message("window_too_long", given=window_text))
    expression = read_expression(row, window, vocabulary)
    roll_up = row.choice("roll_up", [way.value for way in RollUp], RollUp.MERGE)
    min_samples = row.whole("min_samples", 1, 1, 1_000_000_000)
    unit_of_measure = row.text("unit_of_measure")
    kpi_id, name, short_name = row.identifier(), row.names("name"), row.names("short_name", required=False)
    targets, fresh_within = _targets(row), row.duration("fresh_within")
    per, bands, references = _per(row), _bands(row), _references(row)
    digits, basis = row.whole("digits", 1, 0, _MAX_DIGITS), row.text("basis")
    share = row.flag("share")
    if share and unit_of_measure != "%":
        row.fault("share", Message("share_unit", given=unit_of_measure))
    row.finish(EXPRESSIONS)
    if expression is None:
        return None
    return KpiDefinition(
        id=kpi_id,
        sector=sector,
        name=name,
        unit_of_measure=unit_of_measure,
        window=window,
        window_text=window_text,
        expression=expression,
        version=version(
            expression, window_text, roll_up, str(min_samples), unit_of_measure, *clock_of(expression, vocabulary)
        ),
        roll_up=RollUp(roll_up or RollUp.MERGE),
        targets=targets,
        fresh_within=fresh_within,
        min_samples=min_samples,
        digits=digits,
        basis=basis,
        short_name=short_name,
        per=per,
        bands=bands,
        references=references,
        family=family,
        share=share,
    )


def clock_of(expression: Expression, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return what the clock of an expression's cases adds to its version."""
    case_type = vocabulary.case_types.get(getattr(expression, "of", ""))
    return () if case_type is None or case_type.clock == CaseClock() else (repr(case_type.clock),)


def version(expression: Expression | str, *more: str) -> str:
    """Return eight hexadecimal digits that change with anything that changes values."""
    return sha256("\n".join((repr(expression), *more)).encode()).hexdigest()[:8]


def _per(row: TomlTable) -> tuple[UnitLevel, ...]:
    words = row.texts("per", required=False) if row.has("per") else EVERY_PLACE
    for word in words:
        if word not in set(UnitLevel):
            row.fault(
                "per", Message("none_of", given=word, known=list(UnitLevel), nearest=closest(word, list(UnitLevel)))
            )
    if not words:
        row.fault("per", Message("levels_empty"))
    return tuple(level for level in UnitLevel if level in words)


def _bands(row: TomlTable) -> tuple[Band, ...]:
    """Read the bands, from the highest down; only the last one has no bound."""
    bands: list[Band] = []
    for entry in row.tables("bands"):
        if entry.has("at_least") and entry.has("over"):
            entry.fault("over", Message("band_bound"))
        bound = entry.number("over") if entry.has("over") else entry.number("at_least")
        bands.append(Band(entry.names("name"), bound, entry.has("over")))
        entry.number("at_least")
        entry.finish()
    bounds = [band.bound for band in bands]
    if bands and (bounds[-1] is not None or None in bounds[:-1]):
        row.fault("bands", Message("band_last"))
    elif any(low is not None and high is not None and low >= high for high, low in pairwise(bounds)):
        row.fault("bands", Message("band_order"))
    return tuple(bands)


def _references(row: TomlTable) -> tuple[Reference, ...]:
    references: list[Reference] = []
    for entry in row.tables("reference"):
        name, value, at, basis = entry.names("name"), entry.number("value"), entry.day("at"), entry.text("basis")
        if value is None and not entry.has("value"):
            entry.fault("value", Message("target_missing"))
        entry.finish()
        if value is not None and at is not None:
            references.append(Reference(name, value, at, basis))
    return tuple(references)


def _targets(row: TomlTable) -> tuple[Target, ...]:
    """Read the targets, in the order of the years."""
    targets: list[Target] = []
    for entry in row.tables("target"):
        if not entry.has("year"):
            entry.fault("year", Message("target_year_missing"))
        year = entry.whole("year", _YEARS[0], *_YEARS)
        at_least, at_most = entry.number("at_least"), entry.number("at_most")
        if entry.has("at_least") == entry.has("at_most"):
            entry.fault("", Message("target_one_way"))
        if any(target.year == year for target in targets) and entry.has("year"):
            entry.fault("year", Message("target_year_twice", year=year))
        targets.append(Target(year, at_least, at_most, entry.text("basis", "")))
        entry.finish()
    return tuple(sorted(targets, key=lambda target: target.year))


def _constant_value(row: TomlTable) -> ConstantValue | None:
    valid_from, until = row.day("from"), row.day("until", required=False)
    value = row.number("value")
    if value is None and not row.has("value"):
        row.fault("value", Message("constant_value_missing"))
    basis = row.text("basis")
    if valid_from and until and until <= valid_from:
        row.fault("until", Message("constant_until", until=until, since=valid_from))
    row.finish()
    return None if valid_from is None or value is None else ConstantValue(valid_from, value, basis, until)
