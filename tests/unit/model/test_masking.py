"""What is hidden of a refused record, and what stays to find the fault by."""

import json

import pytest

from ioc.model.masking import mask_record, mask_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param("CCCD 046099001234 hết hạn", "CCCD ************ hết hạn", id="identity number"),
        pytest.param("046 099 001 234", "***************", id="identity number in groups"),
        pytest.param("gọi 0912345678 hoặc 0234.3823.456", "gọi ********** hoặc *************", id="phones"),
        pytest.param("+84 912 345 678", "***************", id="phone with its country"),
        pytest.param("thư: lan.nguyen@hue.gov.vn!", "thư: *********************!", id="e-mail"),
        pytest.param("H57.12-261122-0001", "H57.12-261122-0001", id="a case's number stays"),
        pytest.param("2026-11-22T08:00:00+07:00", "2026-11-22T08:00:00+07:00", id="a time stays"),
        pytest.param('{"value": 31.5, "time": 1764576000000}', '{"value": 31.5, "time": 1764576000000}', id="ms stay"),
        pytest.param("19753;1.004873;50.000", "19753;1.004873;50.000", id="unit, service and fee stay"),
    ],
)
def test_free_text(text: str, masked: str) -> None:
    assert mask_text(text) == masked


def test_named_fields_are_hidden_wherever_they_stand() -> None:
    record = {"case_id": "H57-1", "Ho_Ten": "Nguyễn Thị Lan", "nested": [{"dia-chi": "12 Lê Lợi", "unit": "19753"}]}
    hidden = json.loads(mask_record(json.dumps(record).encode()))
    assert hidden == {"case_id": "H57-1", "Ho_Ten": "********", "nested": [{"dia-chi": "********", "unit": "19753"}]}


def test_fields_that_the_source_calls_personal_are_hidden() -> None:
    record = {"case_id": "LAN-1985", "Số  hồ sơ": "x", "Số hồ sơ": "LAN-1985", "unit": "19753"}
    hidden = json.loads(mask_record(json.dumps(record).encode(), ["case_id", "Số hồ sơ"]))
    assert hidden == {"case_id": "********", "Số  hồ sơ": "x", "Số hồ sơ": "********", "unit": "19753"}


@pytest.mark.parametrize("content", [b"Lan;19753;x", b'{"case_id": "La', b"\xff\xfe"], ids=["CSV", "cut off", "bytes"])
def test_without_names_nothing_of_a_personal_source_is_shown(content: bytes) -> None:
    assert mask_record(content, ["case_id"]) == b"*" * len(content)
    assert mask_record(content) == content


def test_what_holds_nothing_personal_stays_byte_for_byte() -> None:
    content = b'{"measure":  "air.pm25", "value": NaN}'
    assert mask_record(content) == content
