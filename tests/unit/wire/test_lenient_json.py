"""JSON from outside: a broken record never affects its neighbours, and nothing is lost silently."""

import math
from collections.abc import Iterable

import pytest

from ioc.errors import BatchMalformed, RecordUnfit
from ioc.wire.lenient_json import read_document, read_lines, read_records

UNFIT = "unfit"


def values(records: Iterable[tuple[object, bytes]]) -> list[object]:
    return [UNFIT if isinstance(value, RecordUnfit) else value for value, _ in records]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b'\xef\xbb\xbf[{"v": 1}]', [{"v": 1}], id="a byte order mark"),
        pytest.param('[{"v": "ộ"}]'.encode("utf-16"), [{"v": "ộ"}], id="UTF-16 with its mark"),
        pytest.param(b'[{"v": 1}, {"v": \xff}, {"v": 3}]', [{"v": 1}, UNFIT, {"v": 3}], id="bytes that are not UTF-8"),
        pytest.param(b'[{"v": 1}, {"v": 1, "v": 2}]', [{"v": 1}, UNFIT], id="a field that is there twice"),
        pytest.param(b'[{"v": 1}, {"v" : 1, "v"\n: 2}]', [{"v": 1}, UNFIT], id="twice, with spaces before the colon"),
        pytest.param(b'[{"v": {"w": 1, "w": 2}}, {"v": 3}]', [UNFIT, {"v": 3}], id="twice in an inner object"),
        pytest.param(b'[{"v": "\\":"}, {"v": 2}]', [{"v": '":'}, {"v": 2}], id="a colon in a text is not a field"),
        pytest.param(b'[{"v": oops, "w": [1]}, {"v": "]"}]', [UNFIT, {"v": "]"}], id="a word that is not JSON"),
        pytest.param(b'[{"v": 1}, {"v": 2},]', [{"v": 1}, {"v": 2}], id="a comma behind the last"),
        pytest.param(
            b"[" + b'{"v":' * 2000 + b"1" + b"}" * 2000 + b',{"v":2}]', [UNFIT, {"v": 2}], id="nested too deep"
        ),
        pytest.param(
            b'[{"v": 12345678901234567890123}]', [{"v": 12345678901234567890123}], id="a whole number beyond 64 bits"
        ),
        pytest.param(b'{"v": 1}\noops\n{"v": 3}', [{"v": 1}, UNFIT, {"v": 3}], id="lines that call themselves JSON"),
        pytest.param(b'oops\n{"v": 3}', [UNFIT, {"v": 3}], id="lines of which the first is broken"),
        pytest.param(b'{"v": 1}', [{"v": 1}], id="one object"),
        pytest.param(b"31.5", [31.5], id="a bare number"),
        pytest.param(b"[]", [], id="an empty list"),
    ],
)
def test_records(content: bytes, expected: list[object]) -> None:
    assert values(read_records(content)) == expected


@pytest.mark.parametrize(("text", "expected"), [("NaN", math.nan), ("-Infinity", -math.inf), ("9" * 5000, math.inf)])
def test_numbers_beyond_all_doubles_are_left_to_the_field(text: str, expected: float) -> None:
    (first, _), (second, own), _ = read_records(f'[{{"v": 1}}, {{"v": {text}}}, {{"v": 3}}]'.encode())
    assert first == {"v": 1}
    assert second["v"] == pytest.approx(expected, nan_ok=True)
    assert own == f'{{"v": {text}}}'.encode()


def test_half_a_character_is_left_to_the_field() -> None:
    assert values(read_records(b'[{"v": "\\ud83d"}, {"v": 2}]')) == [{"v": "\ud83d"}, {"v": 2}]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<html>", id="HTML"),
        pytest.param(b'[{"v": 1}, {"v": 2}', id="cut off"),
        pytest.param(b'[{"v": 1}}', id="another bracket"),
        pytest.param(b'{"v": 1} trailing', id="something behind"),
        pytest.param(b'{"v": ', id="half an object"),
        pytest.param(b'[{"v": "open]', id="a text without an end"),
        pytest.param(b'["' + b'\\"' * 20_000, id="a text of nothing but quotes"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xfe\x00", id="half of UTF-16"),
    ],
)
def test_what_has_no_records_is_malformed_as_a_whole(content: bytes) -> None:
    with pytest.raises(BatchMalformed, match=r"\.$"):
        read_records(content)


@pytest.mark.parametrize("broken", ["1", "NaN", "oops", "2, 3"])
def test_rows_under_a_path_and_what_stands_around(broken: str) -> None:
    content = f'{{"data": {{"total": 3, "rows": [{{"v": 1}}, {{"v": {broken}}}]}}, "next": "p2"}}'.encode()
    document = read_document(content, "data.rows")
    assert document.body["next"] == "p2"
    assert document.body["data"]["total"] == 3
    assert document.records is not None
    assert len(document.records) == 2
    assert document.records[0][0] == {"v": 1}


@pytest.mark.parametrize("content", [b'{"data": {"total": NaN}}', b'{"data": 1}', b'{"data": {"rows": {"v": NaN}}}'])
def test_no_list_at_the_path(content: bytes) -> None:
    assert read_document(content, "data.rows").records is None


def test_lines_each_by_itself() -> None:
    assert values(read_lines(b'\xef\xbb\xbf{"v": 1}\r\n\n{"v": NaN, "w": \xc3}\n[1]\n')) == [{"v": 1}, UNFIT, [1]]


def test_a_refused_record_says_where() -> None:
    ((fault, own),) = read_lines(b'{"v": 1, "w": "\xc3("}')
    assert str(fault).startswith("This is not UTF-8 from byte 15 on")
    assert own == b'{"v": 1, "w": "\xc3("}'
