"""The loader: every fault named with file, KPI and field; the province's definitions over the package's."""

from pathlib import Path

import pytest

from ioc.catalog import CatalogInvalid, load
from ioc.catalog.rules import load_rules
from ioc.errors import ConfigurationInvalid
from ioc.model.kpi import CaseRatio, Formula, MeasureAggregate
from tests.support.catalog_toml import AGGREGATE, COUNT, MEASURES, SECTOR, kpi
from tests.support.catalogs import hue


def write(folder: Path, text: str, name: str = "own.toml", *, base: bool = True) -> Path:
    path = folder / name
    path.write_text((SECTOR + MEASURES if base else "") + text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "subject", "field", "words"),
    [
        pytest.param(
            kpi(expression='aggregate = { measure = "own.leval", take = "mean" }'),
            "own.kpi",
            "aggregate.measure",
            "did you mean 'own.level'",
            id="unknown measure, with the likely one",
        ),
        pytest.param(
            kpi(expression='aggregate = { measure = "own.level", take = "average" }'),
            "own.kpi",
            "aggregate.take",
            "one of count, sum, mean",
            id="unknown take",
        ),
        pytest.param(
            kpi(expression='aggregate = { measure = "own.level", take = "quantile", q = 0.9 }'),
            "own.kpi",
            "aggregate.take",
            "quantiles = true",
            id="quantile of a measure without histogram",
        ),
        pytest.param(
            kpi(expression='aggregate = { measure = "own.count", take = "distinct" }'),
            "own.kpi",
            "aggregate.take",
            "distinct = true",
            id="distinct of a measure without sketch",
        ),
        pytest.param(
            kpi(expression='aggregate = { measure = "own.level", take = "sum" }'),
            "own.kpi",
            "aggregate.take",
            "gauge",
            id="sum of a gauge",
        ),
        pytest.param(
            kpi(expression='aggregate = { measure = "own.level", take = "quantile", q = 1.0 }'),
            "own.kpi",
            "aggregate.q",
            "between 0 and 1",
            id="quantile of share 1",
        ),
        pytest.param(
            kpi(expression='aggregate = { measure = "own.level", take = "quantile" }'),
            "own.kpi",
            "aggregate.q",
            "missing",
            id="quantile without its share",
        ),
        pytest.param(
            kpi(expression='aggregate = { measure = "own.level", take = "mean", q = 0.5 }'),
            "own.kpi",
            "aggregate.q",
            "belongs to quantile",
            id="share without a quantile",
        ),
        pytest.param(
            kpi(expression='aggregate = { measure = "own.count", take = "rate" }'),
            "own.kpi",
            "aggregate.per",
            "missing",
            id="rate without the time it is by",
        ),
        pytest.param(
            kpi(window="now", expression=AGGREGATE),
            "own.kpi",
            "aggregate.take",
            "only the last value",
            id="mean of now",
        ),
        pytest.param(
            kpi(expression=AGGREGATE.replace("take", "tale")),
            "own.kpi",
            "aggregate.tale",
            "did you mean 'take'",
            id="unknown field inside an expression",
        ),
        pytest.param(kpi("windows = 3"), "own.kpi", "windows", "did you mean 'window'", id="unknown field of a KPI"),
        pytest.param(
            kpi(expression=f"{AGGREGATE}\n{COUNT}"),
            "own.kpi",
            "",
            "exactly one of",
            id="two expressions",
        ),
        pytest.param(kpi(expression=""), "own.kpi", "", "this one has none", id="no expression"),
        pytest.param(kpi(window="fortnight"), "own.kpi", "window", "one of now, today", id="unknown window"),
        pytest.param(kpi(window="45d"), "own.kpi", "window", "30d", id="window longer than minutes are kept"),
        pytest.param(kpi('fresh_within = "soon"'), "own.kpi", "fresh_within", "is not a duration", id="bad length"),
        pytest.param(kpi("min_samples = 0"), "own.kpi", "min_samples", "from 1", id="zero samples asked"),
        pytest.param(kpi('min_samples = "20"'), "own.kpi", "min_samples", "whole number", id="number as text"),
        pytest.param(kpi("min_samples = true"), "own.kpi", "min_samples", "whole number", id="number as yes"),
        pytest.param(kpi("digits = 9"), "own.kpi", "digits", "from 0 to 6", id="too many digits"),
        pytest.param(kpi('roll_up = "total"'), "own.kpi", "roll_up", "one of merge", id="unknown roll-up"),
        pytest.param(
            kpi().replace('name = { vi = "Chỉ tiêu", en = "KPI" }', 'name = { vi = "Chỉ tiêu" }'),
            "own.kpi",
            "name.en",
            "missing",
            id="no English name",
        ),
        pytest.param(
            kpi('short_name = { en = "K" }'), "own.kpi", "short_name.vi", "missing", id="no Vietnamese short name"
        ),
        pytest.param(kpi().replace('basis = "QĐ 1"', ""), "own.kpi", "basis", "missing", id="no basis"),
        pytest.param(kpi("target = [{ at_least = 3 }]"), "own.kpi", "target[0].year", "missing", id="no year"),
        pytest.param(
            kpi("target = [{ year = 2026, at_least = 3, at_most = 4 }]"),
            "own.kpi",
            "target[0].",
            "exactly one",
            id="target with two bounds",
        ),
        pytest.param(
            kpi("target = [{ year = 2026, at_least = 3 }, { year = 2026, at_least = 4 }]"),
            "own.kpi",
            "target[1].year",
            "already",
            id="two targets of a year",
        ),
        pytest.param(
            kpi("target = [{ year = 2026, at_least = inf }]"),
            "own.kpi",
            "target[0].at_least",
            "finite",
            id="infinite target",
        ),
        pytest.param(kpi("target = 3"), "own.kpi", "target", "list of tables", id="target as a number"),
        pytest.param(
            kpi(expression='formula = { text = "own.kpi2 + 1" }'),
            "own.kpi",
            "formula",
            "No KPI or constant is called 'own.kpi2'",
            id="unknown part of a formula",
        ),
        pytest.param(
            kpi(expression='formula = { text = "2 * own.kpi" }'),
            "own.kpi",
            "formula",
            "own.kpi → own.kpi",
            id="formula over itself",
        ),
        pytest.param(
            kpi(kpi_id="own.b", expression='formula = { text = "own.c" }')
            + kpi(kpi_id="own.c", expression='formula = { text = "own.b" }'),
            "own.c",
            "formula",
            "own.b → own.c → own.b",
            id="circle of formulas",
        ),
        pytest.param(
            kpi(expression='formula = { text = "100 * (own.kpi" }'),
            "own.kpi",
            "formula.text",
            "')' was expected",
            id="formula with an open bracket",
        ),
        pytest.param(
            kpi(expression='formula = { text = "1e999 * dossier.received_today" }'),
            "own.kpi",
            "formula.text",
            "beyond",
            id="infinite constant in a formula",
        ),
        pytest.param(
            kpi(expression='formula = { text = "1 + 2" }'),
            "own.kpi",
            "formula.text",
            "names no KPI",
            id="constant formula",
        ),
        pytest.param(
            kpi(expression='count = { of = "jobs", where = "true", at = "received_at" }'),
            "own.kpi",
            "count.of",
            "did you mean 'job'",
            id="unknown case type",
        ),
        pytest.param(
            kpi(expression='count = { of = "job", where = "true" }'),
            "own.kpi",
            "count.at",
            "must lie in the window",
            id="cases of a window without the time that counts",
        ),
        pytest.param(
            kpi(window="now", expression=COUNT), "own.kpi", "count.at", "the present state", id="state with a time"
        ),
        pytest.param(
            kpi(expression=COUNT.replace("received_at", "opened_at")),
            "own.kpi",
            "count.at",
            "one of received_at",
            id="unknown time",
        ),
        pytest.param(
            kpi(expression=COUNT.replace("true", "status = 'opened'")),
            "own.kpi",
            "count.where",
            "did you mean 'open'",
            id="unknown status in a condition",
        ),
        pytest.param(
            kpi(expression='sum = { of = "job", field = "price", where = "true", at = "closed_at" }'),
            "own.kpi",
            "sum.field",
            "is not an attribute of job",
            id="sum of an unknown attribute",
        ),
        pytest.param(
            kpi(
                window="now",
                expression='age = { of = "job", since = "received_at", where = "true", take = "mean" }',
            ),
            "own.kpi",
            "age.per",
            "missing",
            id="age without its unit of time",
        ),
        pytest.param(
            '[[measure]]\nid = "own.x"\nname = { vi = "x", en = "x" }\nunit_of_measure = "x"\nkind = "counter"\n',
            "measure own.x",
            "kind",
            "one of gauge, delta",
            id="unknown kind of measure",
        ),
        pytest.param(
            '[[measure]]\nid = "own.x"\nname = { vi = "x", en = "x" }\nunit_of_measure = "x"\nkind = "gauge"\n'
            "least = 5\nmost = 1\n",
            "measure own.x",
            "most",
            "below",
            id="range upside down",
        ),
        pytest.param(
            '[[measure]]\nid = "own.level"\nunit_of_measure = "x"\n',
            "measure own.level",
            "id",
            "rename one",
            id="id twice in a file",
        ),
        pytest.param('[[measure]]\nname = { vi = "x", en = "x" }\n', "", "measure.id", "has no id", id="no id"),
        pytest.param(
            '[[case_type]]\nid = "thing"\nname = { vi = "x", en = "x" }\nstatuses = []\n',
            "case_type thing",
            "statuses",
            "is empty",
            id="case type without statuses",
        ),
        pytest.param(
            '[[case_type]]\nid = "thing"\nname = { vi = "x", en = "x" }\nstatuses = ["a"]\nattributes = ["due_at"]\n',
            "case_type thing",
            "attributes",
            "cannot name",
            id="attribute named as a column",
        ),
        pytest.param(
            '[[case_type]]\nid = "thing"\nname = { vi = "x", en = "x" }\nstatuses = ["a"]\n'
            'attributes = { fee = "money" }\n',
            "case_type thing",
            "attributes.fee",
            "'money' is not one of number, text, date, boolean, code",
            id="attribute of an unknown type",
        ),
        pytest.param("[[kpis]]\nid = 'x'\n", "", "kpis", "did you mean 'kpi'", id="unknown table"),
        pytest.param(kpi(kpi_id="Own Kpi"), "Own Kpi", "id", "is not a valid id", id="id with a blank"),
        pytest.param("kpi = [\n", "", "", "not TOML", id="broken TOML"),
    ],
)
def test_a_fault_names_file_kpi_and_field(tmp_path: Path, text: str, subject: str, field: str, words: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(CatalogInvalid) as raised:
        load("46", tmp_path)
    [fault] = [fault for fault in raised.value.faults if words in fault.message]
    assert (fault.file, fault.kpi, fault.field) == (str(path), subject, field)
    assert str(fault) in str(raised.value)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, kpi("digits = 9", kpi_id="own.a") + kpi(kpi_id="own.b", window="fortnight"))
    write(tmp_path, "nonsense", name="second.toml", base=False)
    with pytest.raises(CatalogInvalid) as raised:
        load("46", tmp_path)
    assert {(fault.kpi, fault.field) for fault in raised.value.faults} == {
        ("own.a", "digits"),
        ("own.b", "window"),
        ("", ""),
    }


def test_a_file_that_is_not_utf8_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_bytes("[sector]\nid = 'đ'".encode("utf-16"))
    with pytest.raises(CatalogInvalid, match="not UTF-8"):
        load("46", tmp_path)


def test_the_package_is_sound_and_in_order_of_its_formulas() -> None:
    catalog = hue()
    seen: set[str] = set()
    for definition in catalog.kpis.values():
        if isinstance(definition.expression, Formula):
            assert seen >= set(definition.expression.parts)
        seen.add(definition.id)
    assert {"dossier.on_time_rate", "lgsp.success_rate", "air.pm25_mean_24h", "traffic.speed_mean"} <= seen
    assert catalog.sectors[catalog.kpis["traffic.flow"].sector].name["en"] == "Traffic"
    assert isinstance(catalog.kpis["dossier.on_time_rate"].expression, CaseRatio)


def test_a_province_of_another_code_is_refused() -> None:
    with pytest.raises(ConfigurationInvalid, match="'19753'"):
        load("19753")


def test_the_province_overrides_single_fields(tmp_path: Path) -> None:
    own = '[[kpi]]\nid = "dossier.on_time_rate"\ntarget = [{ year = 2026, at_least = 99.5 }]\n'
    write(tmp_path, own, base=False)
    plain, ours = hue().kpis["dossier.on_time_rate"], load("46", tmp_path).kpis["dossier.on_time_rate"]
    assert [target.at_least for target in ours.targets] == [99.5]
    assert (ours.expression, ours.sector, ours.version) == (plain.expression, plain.sector, plain.version)


def test_the_province_overrides_an_expression_of_another_kind(tmp_path: Path) -> None:
    own = '[[kpi]]\nid = "traffic.flow"\nformula = { text = "traffic.counters_today * 2" }\n'
    write(tmp_path, own, base=False)
    ours = load("46", tmp_path).kpis["traffic.flow"]
    assert isinstance(ours.expression, Formula)
    assert isinstance(hue().kpis["traffic.flow"].expression, MeasureAggregate)


def test_a_fault_of_an_overridden_field_names_the_province_s_file(tmp_path: Path) -> None:
    path = write(tmp_path, '[[kpi]]\nid = "traffic.flow"\ndigits = -1\n', base=False)
    with pytest.raises(CatalogInvalid) as raised:
        load("46", tmp_path)
    assert [(fault.file, fault.kpi, fault.field) for fault in raised.value.faults] == [
        (str(path), "traffic.flow", "digits")
    ]


def test_a_new_kpi_needs_a_sector(tmp_path: Path) -> None:
    write(tmp_path, kpi(expression='formula = { text = "traffic.flow" }'), base=False)
    with pytest.raises(CatalogInvalid, match="needs a \\[sector\\]"):
        load("46", tmp_path)


@pytest.mark.parametrize(
    ("change", "moves"),
    [
        pytest.param(('take = "mean"', 'take = "max"'), True, id="expression"),
        pytest.param(('window = "today"', 'window = "24h"'), True, id="window"),
        pytest.param(('unit_of_measure = "m"\nwindow', 'unit_of_measure = "cm"\nwindow'), True, id="unit of measure"),
        pytest.param(('basis = "QĐ 1"', 'basis = "QĐ 2"'), False, id="basis"),
        pytest.param(('en = "KPI"', 'en = "Indicator"'), False, id="name"),
    ],
)
def test_the_version_moves_with_what_changes_values(tmp_path: Path, change: tuple[str, str], moves: bool) -> None:
    text = kpi() + kpi(kpi_id="own.double", expression='formula = { text = "2 * own.kpi" }')
    versions = []
    for content in (text, text.replace(*change, 1)):
        write(tmp_path, content)
        kpis = load("46", tmp_path).kpis
        versions.append((kpis["own.kpi"].version, kpis["own.double"].version))
    before, after = versions
    assert text.replace(*change, 1) != text
    assert (before[0] != after[0], before[1] != after[1]) == (moves, moves)


SUMMED = """
[[case_type]]
id = "thing"
name = { vi = "x", en = "x" }
statuses = ["a"]
attributes = %s
[[kpi]]
id = "own.fees"
name = { vi = "x", en = "x" }
unit_of_measure = "đồng"
window = "today"
sum = { of = "thing", field = "fee", where = "true", at = "received_at" }
basis = "x"
"""


@pytest.mark.parametrize("attributes", ['{ fee = "number", kind = "code" }', '["fee", "kind"]'])
def test_what_is_summed_up_is_a_number(tmp_path: Path, attributes: str) -> None:
    write(tmp_path, SUMMED % attributes)
    thing = load("46", tmp_path).vocabulary.case_types["thing"]
    assert thing.attributes == ("fee", "kind")
    assert thing.attribute_types["fee"] == "number"


@pytest.mark.parametrize(
    ("personal", "says"),
    [
        pytest.param('{ kind = "hash", fee = "drop" }', "", id="fit"),
        pytest.param('{ applicant = "hash" }', "'applicant' is not an attribute of the case type", id="no attribute"),
        pytest.param('{ fee = "hash" }', "only text and code can be hashed", id="a number"),
        pytest.param('{ kind = "hide" }', "kind", id="an unknown treatment"),
    ],
)
def test_personal_attributes(tmp_path: Path, personal: str, says: str) -> None:
    write(tmp_path, SUMMED % f'{{ fee = "number", kind = "code" }}\npersonal = {personal}')
    if says:
        with pytest.raises(CatalogInvalid, match=says):
            load("46", tmp_path)
        return
    assert load("46", tmp_path).vocabulary.case_types["thing"].personal == {"kind": "hash", "fee": "drop"}


def test_a_text_cannot_be_summed_up(tmp_path: Path) -> None:
    write(tmp_path, SUMMED % '{ fee = "text" }')
    with pytest.raises(CatalogInvalid, match="'fee' is declared as a text in thing; only a number can be summed up"):
        load("46", tmp_path)


@pytest.mark.parametrize("province", ["46", "48", "01"])
def test_stations_belong_to_the_province_that_has_them(province: str) -> None:
    catalog = load(province)
    of_rivers = [kpi for kpi in catalog.kpis if kpi.startswith(("river.", "flood."))]
    assert bool(of_rivers) == (province == "46")
    text = " ".join(f"{kpi.name} {kpi.basis}" for kpi in catalog.kpis.values())
    assert ("Kim Long" in text, "sông Hương" in text) == (province == "46", province == "46")
    assert ("flood-stage-2" in load_rules(catalog).rules) == (province == "46")
