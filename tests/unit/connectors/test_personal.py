"""Personal fields do not pass the connector: they are hashed with a key, or dropped."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from connectors.batching import Intake, case_rows
from connectors.configuration import read_source
from connectors.personal import PersonalFields, personal_names
from ioc.errors import ConfigurationInvalid
from ioc.model.case import Case, CaseType
from ioc.model.personal_fields import PersonalTreatment
from ioc.model.reading import Reading
from ioc.wire.schemas import CASES, READINGS, readings_batch

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
HASH, DROP = PersonalTreatment.HASH, PersonalTreatment.DROP
SOURCE = """
name = { vi = "Một cửa", en = "One-stop" }
kind = "http_push"
"""


def case(case_id: str = "LAN-1985", **more: object) -> Case:
    values = {"channel": "0912345678", "service": "1.004873", "attributes": {"applicant": "Lan", "fee": 50.0}}
    return Case("dossier", case_id, "46", "received", NOW, NOW, **{**values, **more})  # type: ignore[arg-type]


def fields(
    declared: dict[str, PersonalTreatment], of_catalog: dict[str, PersonalTreatment] | None = None
) -> PersonalFields:
    kind = CaseType("dossier", {}, ("received",), ("applicant", "fee"), personal=of_catalog or {})
    return PersonalFields(declared, lambda: "the key", lambda: {"dossier": kind})


def protected(personal: PersonalFields, *cases: Case) -> list[dict[str, object]]:
    batch = personal.protect(Intake(cases=case_rows(cases))).cases
    assert batch is not None
    assert batch.schema == CASES
    rows = batch.to_pylist()
    return [{**row, "attributes": orjson.loads(row["attributes"] or "{}")} for row in rows]


def test_what_is_declared_is_hashed_or_dropped_and_the_rest_stays() -> None:
    declared = {"case_id": HASH, "channel": DROP, "attributes.applicant": HASH}
    one, again, other = protected(fields(declared), case(), case(), case("HOA-1990", attributes={"applicant": "Hoa"}))
    assert one == again
    assert one["case_id"] != other["case_id"]
    assert (one["channel"], one["service"]) == (None, "1.004873")
    attributes, others = one["attributes"], other["attributes"]
    assert isinstance(attributes, dict)
    assert isinstance(others, dict)
    assert attributes["fee"] == 50
    assert attributes["applicant"] != others["applicant"]
    assert "LAN" not in repr(one) + repr(other)
    assert "'Lan'" not in repr(one)


def test_the_catalogue_declares_attributes_for_every_source() -> None:
    [row] = protected(fields({}, {"applicant": DROP}), case())
    assert row["attributes"] == {"fee": 50}
    assert row["case_id"] == "LAN-1985"


def test_another_key_gives_another_hash() -> None:
    mine = fields({"case_id": HASH})
    theirs = PersonalFields({"case_id": HASH}, lambda: "another key", dict)
    assert protected(mine, case())[0]["case_id"] != protected(theirs, case())[0]["case_id"]


def test_the_subject_of_a_reading() -> None:
    readings = readings_batch([Reading("air.pm25", "46", NOW, 1.0, "0912345678"), Reading("air.pm25", "46", NOW, 2.0)])
    batch = fields({"subject": HASH}).protect(Intake(readings=readings)).readings
    assert batch is not None
    assert batch.schema == READINGS
    first, second = batch.column("subject").to_pylist()
    assert first != "0912345678"
    assert second is None


def test_without_declarations_nothing_is_touched() -> None:
    intake = Intake(cases=case_rows([case()]))
    assert fields({}).protect(intake).cases is intake.cases


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param('status = "hash"', "status cannot be personal", id="a field that cannot be"),
        pytest.param('case_id = "drop"', "case_id cannot be dropped", id="the case's identity"),
        pytest.param('channel = "hide"', "one of hash, drop", id="an unknown treatment"),
    ],
)
def test_a_declaration_at_fault_is_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mot-cua.toml"
    path.write_text(f"{SOURCE}\n[personal]\n{text}\n", encoding="utf-8")
    with pytest.raises(ConfigurationInvalid, match=says):
        read_source(path)


def test_names_in_the_source_s_own_records(tmp_path: Path) -> None:
    path = tmp_path / "mot-cua.toml"
    mapping = '[mapping]\ncase_id = "Số hồ sơ"\nunit = "Mã xã"\n[mapping.attributes]\nnote = { from = "a.Ghi chú" }\n'
    path.write_text(
        SOURCE.replace("http_push", "file_drop")
        + f'{mapping}[personal]\ncase_id = "hash"\n[personal.attributes]\napplicant = "drop"\n',
        encoding="utf-8",
    )
    configuration = read_source(path)
    assert configuration.personal == {"case_id": HASH, "attributes.applicant": DROP}
    assert personal_names(configuration, ["note"]) == {"case_id", "applicant", "note", "Số hồ sơ", "Ghi chú"}
