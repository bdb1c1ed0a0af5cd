"""Attributes of cases are of the types that the catalogue declares, or refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ioc.errors import RecordUnfit
from ioc.model.case import AttributeType, CaseType
from ioc.model.unit import Unit
from ioc.model.vocabulary import Vocabulary
from ioc.wire.attributes import check_attributes
from ioc.wire.records import check

NAMES = {"number": "fee", "text": "department", "date": "paid_on", "boolean": "online", "code": "level"}
TYPES = {NAMES[kind]: AttributeType(kind) for kind in NAMES}
DOSSIER = CaseType("dossier", {}, ("received",), (*TYPES, "free"), attribute_types=TYPES)


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("fee", 75_000, True),
        ("fee", 0.5, True),
        ("fee", "50.000", False),
        ("fee", "75000", False),
        ("fee", True, False),
        ("fee", float("nan"), False),
        ("fee", 2**63, False),
        ("department", "đất đai", True),
        ("department", 7, True),
        ("department", False, False),
        ("department", "\ud83d", False),
        ("paid_on", "2026-11-30", True),
        ("paid_on", "30/11/2026", False),
        ("paid_on", "2026-02-30", False),
        ("paid_on", "20261130", False),
        ("paid_on", 20261130, False),
        ("online", True, True),
        ("online", 1, True),
        ("online", "false", True),
        ("online", "Có", False),
        ("online", 2, False),
        ("level", "full", True),
        ("level", 4, True),
        ("level", 4.5, False),
        ("level", " full", False),
        ("level", "", False),
        ("free", "50.000", True),
        ("free", 1.5, True),
        ("free", None, False),
        ("free", [1], False),
        ("other", 1, False),
    ],
)
def test_declared_types(name: Any, value: Any, fits: Any) -> None:
    if fits:
        assert check_attributes({name: value}, DOSSIER) == {name: value}
    else:
        with pytest.raises(RecordUnfit) as fault:
            check_attributes({name: value}, DOSSIER)
        assert fault.value.field == f"attributes.{name}"
        assert str(fault.value).endswith(".")


def test_numbers_in_a_csv_are_numbers() -> None:
    unit = Unit("19753", "Phường Phú Xuân", "Phú Xuân", "ward", "46", 16.5, 107.6, 10.4)
    vocabulary = Vocabulary(units={"19753": unit}, case_types={"dossier": DOSSIER})
    head = "case_type,case_id,unit,status,received_at,updated_at,fee,online\n"
    row = "dossier,{0},19753,received,2026-11-22T00:00:00Z,2026-11-22T00:00:00Z,{1},true\n"
    content = head + row.format("a", "75000") + row.format("b", "1.250.000") + row.format("c", "0.5")
    content += row.format("d", "50.000") + row.format("e", "50.25")
    checked = check(content.encode(), "text/csv", vocabulary, datetime(2026, 11, 23, tzinfo=UTC))
    assert [case.attributes["fee"] for case in checked.cases] == [75_000, 0.5, 50.25]
    assert [(r.index, r.field, r.reason) for r in checked.rejections] == [
        (1, "attributes.fee", "wrong_type"),
        (3, "attributes.fee", "wrong_type"),
    ]
