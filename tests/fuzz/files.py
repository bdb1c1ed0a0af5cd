"""Files as agencies, broken programs and attackers may leave them in a drop folder, made from a seed."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import openpyxl

HEADER = ("Trạm", "Ngày", "Số lượng")
_ENDINGS = ("csv", "CSV", "txt", "xlsx", "xls", "ods", "xlsb", "json", "")
_CSV_CODECS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1258", "latin-1")
_ODS = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
    '<table:table table:name="a">{}</table:table></office:spreadsheet></office:body></office:document-content>'
)


@dataclass(frozen=True)
class Input:
    """A file; `records`: how many it has, where that is certain if it can be read at all."""

    name: str
    content: bytes
    records: int | None = None


def inputs(seed: int, count: int) -> list[Input]:
    """`count` files with names that differ; the same for the same seed."""
    chance = random.Random(seed)
    makers: list[tuple[int, Callable[[random.Random], tuple[str, bytes, int | None]]]] = [
        (40, _csv), (12, _quoted), (15, _cut_workbook), (15, _strange_workbook), (8, _xml_of_sheet), (6, _archive),
        (10, _noise), (2, _ods), (4, _markup),
    ]  # fmt: skip
    made = []
    for number in range(count):
        (maker,) = chance.choices([make for _, make in makers], [weight for weight, _ in makers])
        ending, content, records = maker(chance)
        made.append(Input(f"{number:04} {_name(chance)}{'.' if ending else ''}{ending}", content, records))
    return made


def _name(chance: random.Random) -> str:
    return chance.choice(
        ("báo cáo", "Ba\u0301o ca\u0301o", "-rf", "a'b\"c", "x" * 180, "$(id)", "%s%n", "a;b", "\u202excod", "\udcff\n")
    )


def _row(chance: random.Random) -> list[str]:
    day = f"{chance.randint(1, 28):02}/11/2026"
    return [
        f"Trạm {chance.randint(1, 99)}",
        day,
        chance.choice(("1", "1.234,5", "-3", "", "n/a", "∞", "1e9", "9" * 400)),
    ]


def _lines(chance: random.Random) -> list[str]:
    return [";".join(_row(chance)) for _ in range(chance.choice((0, 1, 5, 60)))]


def _csv(chance: random.Random) -> tuple[str, bytes, int | None]:
    """Lines damaged one by one: each stays one record."""
    lines = _lines(chance)
    for _ in range(chance.randint(0, 4)):
        if lines:
            at = chance.randrange(len(lines))
            lines[at] = chance.choice(
                (lines[at] + ";x;y", "Trạm;Ngày", lines[at].replace(";", "\r;", 1), lines[at][:7], "\0" + lines[at],
                 "y" * 200_000, lines[at] + "\x1a", "\u2028" + lines[at], "Tổng cộng;;9", "=cmd|' /C calc'!A0;1;1")
            )  # fmt: skip
    ends = chance.choice(("\n", "\r\n"))
    text = ends.join([";".join(HEADER), *lines, ""])
    content = text.encode(chance.choice(_CSV_CODECS), "ignore")
    records: int | None = sum(any(cell.strip() for cell in line.split(";")) for line in lines)
    if chance.random() < 0.3 and len(content) > 120:
        content, records = content[: chance.randrange(60, len(content))], None
    if b"\0" in content[:4096] or "Trạm;Ngày" in lines:
        records = None
    return chance.choice(_ENDINGS[:3]), content, records


def _quoted(chance: random.Random) -> tuple[str, bytes, int | None]:
    lines = [line.replace("Trạm", '"Trạm') for line in _lines(chance)]
    for at in range(len(lines)):
        if chance.random() < 0.8:
            lines[at] = lines[at].replace(";", '";' if chance.random() < 0.8 else '\n\n";', 1)
    return "csv", "\n".join([";".join(HEADER), *lines]).encode(), None


@cache
def _workbook(kind: int) -> bytes:
    chance = random.Random(kind)
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    if kind % 3 == 1:
        sheet.append(["SỞ Y TẾ"])
    sheet.append(list(HEADER))
    for _ in range(kind * 3):
        sheet.append(_row(chance))
    if kind % 2:
        sheet["B4"], sheet["C4"] = "=TODAY()", "=1/0"
        sheet.merge_cells("A4:A6")
    if kind % 4 == 3:
        sheet["XFD60000"] = " "
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def _cut_workbook(chance: random.Random) -> tuple[str, bytes, int | None]:
    content = bytearray(_workbook(chance.randrange(8)))
    for _ in range(chance.choice((0, 1, 30))):
        content[chance.randrange(len(content))] = chance.randrange(256)
    if chance.random() < 0.5:
        del content[chance.randrange(len(content)) :]
    return chance.choice(_ENDINGS), bytes(content), None


def _strange_workbook(chance: random.Random) -> tuple[str, bytes, int | None]:
    """Its parts missing, empty, of another kind, or with bytes changed within."""
    with zipfile.ZipFile(BytesIO(_workbook(chance.randrange(8)))) as sound:
        parts = {name: sound.read(name) for name in sound.namelist()}
    name = chance.choice([name for name in parts if "sheet" in name or "workbook" in name or "Strings" in name])
    part = bytearray(parts[name])
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(part)) if part else 0
        part[at : at + chance.randint(0, 9)] = chance.choice(
            (b"", b"<", b">", b'"', b"</c>", b'r="ZZZZ99999999"', b"\0", b"&a;", b"-1", b"9" * 30, b"<row>" * 99)
        )
    parts[name] = chance.choice((bytes(part), bytes(part), b"", b"<x>" * 10_000, b"\xff\xfe" + bytes(part)))
    if chance.random() < 0.2:
        del parts[name]
    return "xlsx", _packed(parts), None


def _xml_of_sheet(chance: random.Random) -> tuple[str, bytes, int | None]:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "lol"}">' for n in range(9))
    sheet = chance.choice((
        f"<!DOCTYPE x [{entities}]><worksheet><sheetData><row><c><v>&a8;</v></c></row></sheetData></worksheet>",
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><worksheet><sheetData><row><c t="str"><v>&e;</v></c>',
        "<worksheet><sheetData>" + "<row>" * 50_000,
        "<c " * 20_000,
        "<worksheet><sheetData><row r='1048576'><c r='XFD1048576'><v>1</v></c></row></sheetData></worksheet>",
        '<worksheet><dimension ref="A1:XFD1048576"/><sheetData/></worksheet>',
        '<worksheet><sheetData/><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells></worksheet>',
    ))  # fmt: skip
    with zipfile.ZipFile(BytesIO(_workbook(2))) as sound:
        parts = {name: sound.read(name) for name in sound.namelist()}
    return "xlsx", _packed({**parts, "xl/worksheets/sheet1.xml": sheet.encode()}), None


def _archive(chance: random.Random) -> tuple[str, bytes, int | None]:
    inner = _packed({"a.csv": ";".join(HEADER).encode()})
    parts = chance.choice((
        {"../../etc/cron.d/x": b"x"}, {"a.csv": b"x;y\n"}, {"a.zip": inner}, {"xl/workbook.xml": b"<"}, {},
        {"content.xml": b"<a/>", "mimetype": b"application/vnd.oasis.opendocument.spreadsheet"},
        {"zeros": b"\0" * 3_000_000},
    ))  # fmt: skip
    return chance.choice(("xlsx", "csv", "ods", "zip")), _packed(parts), None


def _noise(chance: random.Random) -> tuple[str, bytes, int | None]:
    start = chance.choice(
        (b"", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04", b"\xff\xfe", b"\x1f\x8b", b'"', b"{}")
    )
    return chance.choice(_ENDINGS), start + chance.randbytes(chance.choice((0, 1, 600, 5000))), None


def _ods(chance: random.Random) -> tuple[str, bytes, int | None]:
    cell = '<table:table-cell office:value-type="string"{}><text:p>{}</text:p></table:table-cell>'
    head = "".join(cell.format("", name) for name in HEADER)
    repeated = chance.choice(("3", "16384", "99999999999999999999", "-1"))
    wide = cell.format(f' table:number-columns-repeated="{repeated}"', "1")
    rows = f'<table:table-row>{head}</table:table-row><table:table-row table:number-rows-repeated="{repeated}">{wide}'
    content = _ODS.format(f"{rows}</table:table-row>").encode()
    return "ods", _packed({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": content}), None


def _markup(chance: random.Random) -> tuple[str, bytes, int | None]:
    text = chance.choice(
        ("<html><table><tr><td>1</td></tr></table>", "<?xml version='1.0'?><Workbook/>", "%PDF-1.7\n", "{\\rtf1")
    )
    return chance.choice(("xls", "xlsx", "csv")), text.encode(), None


def _packed(parts: dict[str, bytes]) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()
