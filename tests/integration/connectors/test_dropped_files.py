"""Files as they come: cut, changed, damaged, hostile. Each is counted, and none stops the next."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from struct import pack
from typing import cast

import openpyxl
import pytest

from connectors.file_drop.content import digest_file
from connectors.same_key import SameKey
from connectors.writer import SourceWriter
from ioc.wire.replays import RefusedRecord, ReplayRequest
from tests.support.dropped_files import HEADER, MAPPING, Drop, Taken

GOOD = f"{HEADER}A;22/11/2026;1\nB;22/11/2026;2\n"
AT = MAPPING.replace('{ from = "Ngày", format = "dd/MM/yyyy[ HH:mm]" }', '"$file_time"')


@pytest.fixture
def drop(tmp_path: Path) -> Iterator[Drop]:
    folder = Drop(tmp_path)
    yield folder
    folder.end()


def workbook(*rows: list[object], **cells: object) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Số liệu"
    for row in rows:
        sheet.append(row)
    for address, value in cells.items():
        sheet[address] = value  # type: ignore[assignment]
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def packed(members: dict[str, bytes]) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


TITLES: list[object] = ["Trạm", "Ngày", "Số lượng"]
SOUND = workbook(TITLES, ["A", "22/11/2026", 1])


def sheet_of(xml: bytes) -> bytes:
    """A workbook the sheet of which is this XML."""
    with zipfile.ZipFile(BytesIO(SOUND)) as sound:
        members = {name: sound.read(name) for name in sound.namelist()}
    return packed({**members, "xl/worksheets/sheet1.xml": xml})


def complete(drop: Drop, now_s: float) -> list[str]:
    """Names of the files that a look at that time takes for complete."""
    return [one.path.name for one in drop.connector._folder.scan(now_s).complete]


async def test_a_file_that_is_written_with_a_pause(tmp_path: Path) -> None:
    """Its first half ends within a number; four seconds later comes the rest."""
    drop = Drop(tmp_path, 'rest = "2s"')
    path = drop.put("a.csv", f"{HEADER}A;22/11/2026;12")
    assert [complete(drop, now_s) for now_s in (0, 2, 4)] == [[], [], []]
    with path.open("a", encoding="utf-8") as file:
        file.write("34\nB;22/11/2026;5\n")
        file.flush()
        assert [complete(drop, now_s) for now_s in (4, 6, 60)] == [[], [], []], "somebody has it open for writing"
    assert complete(drop, 61) == ["a.csv"]
    assert (await drop.rounds(1)).values == [1234, 5]
    drop.end()


async def test_a_file_without_its_last_end_of_line_rests_longer(tmp_path: Path) -> None:
    drop = Drop(tmp_path, 'rest = "30s"')
    drop.put("cut.csv", GOOD.rstrip("\n"))
    drop.put("whole.csv", GOOD)
    found = [complete(drop, now_s) for now_s in (0, 29, 30, 149, 150)]
    assert found == [[], [], ["whole.csv"], ["whole.csv"], ["cut.csv", "whole.csv"]]
    with (drop.folder / "cut.csv").open("a") as file:
        file.write("\n")
    assert complete(drop, 400) == ["whole.csv"], "it changed and rests again"


async def test_marker(tmp_path: Path) -> None:
    drop = Drop(tmp_path, 'rest = "1h"\ndone_marker = ".done"')
    drop.put("a.csv", GOOD)
    assert (await drop.rounds()).received == 0
    drop.put("a.csv.done", "")
    assert (await drop.rounds(1)).values == [1, 2]
    assert (drop.names(), drop.names("done")) == ([], ["a.csv"])
    drop.end()


async def test_a_file_that_grows_after_it_was_taken(drop: Drop) -> None:
    drop.put("a.csv", GOOD)
    assert (await drop.rounds()).values == [1, 2]
    with (drop.folder / "done" / "a.csv").open("a", encoding="utf-8") as file:
        file.write("C;22/11/2026;3\n")
    drop.start()  # what was read is known to the next process too
    taken = await drop.rounds(3)
    assert (taken.values, taken.duplicate) == ([3], 2), "what was counted is not counted again"
    assert (await drop.rounds(3)).received == 0
    (drop.folder / "done" / "a.csv").touch()
    assert (await drop.rounds(3)).received == 0, "another time alone is no change"


async def test_a_file_that_is_rewritten_after_it_was_taken(drop: Drop) -> None:
    drop.put("a.csv", GOOD)
    await drop.rounds()
    (drop.folder / "done" / "a.csv").write_text(GOOD.replace(";2\n", ";7\n"), encoding="utf-8")
    (sentence,) = (await drop.rounds(3)).sentences
    assert "done/a.csv: It changed after it was read, and not only at its end" in sentence
    assert drop.names("refused") == ["a.csv"]


async def test_a_workbook_that_was_cut_is_read_once_it_is_whole(drop: Drop) -> None:
    drop.put("a.xlsx", SOUND[:-100])
    assert len((await drop.rounds()).rejections) == 1
    assert "a.xlsx" in drop.connector.report.sentence
    (drop.folder / "refused" / "a.xlsx").write_bytes(SOUND)
    assert (await drop.rounds(3)).values == [1]
    assert (drop.names("done"), drop.names("refused")) == (["a.xlsx"], [])
    assert drop.connector.report.sentence == "", "the old error is over"


async def test_a_refused_file_is_read_again_when_it_is_handed_over_again(drop: Drop) -> None:
    drop.put("a.csv", "Trạm;Ngày\nA;22/11/2026\n")
    assert "columns Số lượng" in (await drop.rounds()).sentences[0]
    drop.put("a.csv", "Trạm;Ngày\nA;22/11/2026\n")
    again = await drop.rounds()
    assert (again.duplicate, len(again.rejections)) == (0, 1)


async def test_rows_that_another_file_has_too(drop: Drop) -> None:
    """Equal rows of one file are events of their own; what a file before it had is known, however it is cut."""
    twice = f"{HEADER}A;22/11/2026;1\nA;22/11/2026;1\n"
    drop.put("a.csv", twice)
    assert (await drop.rounds()).values == [1, 1]
    drop.put("b.csv", twice + "A;22/11/2026;1\nB;22/11/2026;2\n")
    taken = await drop.rounds()
    assert (taken.values, taken.duplicate) == ([1, 2], 2)


async def test_equal_rows_on_both_sides_of_a_kill(drop: Drop) -> None:
    drop.put("a.csv", HEADER + "A;22/11/2026;1\n" * 5000)
    taken = Taken()
    for _ in range(12):
        drop.connector._folder.scan(-1)
        await drop.page_before_a_kill(taken)
    assert (len(taken.values), taken.duplicate) == (5000, 0)


async def test_the_same_rows_at_another_file_time(tmp_path: Path) -> None:
    drop = Drop(tmp_path, mapping=AT)
    for name, seconds in (("a.csv", 1_795_000_000), ("b.csv", 1_795_086_400)):
        os.utime(drop.put(name, f"{GOOD}{name};x;3\n"), (seconds, seconds))
        assert (await drop.rounds()).values == [1, 2, 3]
    drop.end()


async def test_what_was_refused_is_read_again_under_another_mapping(drop: Drop) -> None:
    content = f"{HEADER}A;22/11/2026;1\nB;2026.11.22;2\n"
    drop.put("a.csv", content)
    assert (await drop.rounds()).received == 2
    drop.put("a.csv", content)
    assert (await drop.rounds()).duplicate == 2
    drop.configure(MAPPING.replace('format = "dd/MM/yyyy[ HH:mm]"', 'format = ["dd/MM/yyyy[ HH:mm]", "yyyy.MM.dd"]'))
    drop.start()
    drop.put("a.csv", content)
    taken = await drop.rounds()
    assert (taken.values, taken.duplicate, taken.rejections) == ([2], 1, [])


FOLDERS = f"{HEADER}A;22/11/2026;5\n"


@pytest.mark.parametrize(
    ("pattern", "taken", "notice"),
    [
        pytest.param("*.xlsx", {"BAOCAO.XLSX"}, ": 2 (", id="capitals"),
        pytest.param("*.[xc]*", {"BAOCAO.XLSX", "note.csv"}, ": 1 (", id="what is left is said"),
        pytest.param("**/*.csv", {"note.csv", "b.CSV"}, ": 2 (", id="folders below"),
        pytest.param("Báo cáo/*", {"b.CSV"}, ": 3 (", id="accents in any form"),
        pytest.param("*", {"BAOCAO.XLSX", "note.csv", "c.txt"}, "", id="all"),
    ],
)
async def test_pattern(tmp_path: Path, pattern: str, taken: set[str], notice: str) -> None:
    drop = Drop(tmp_path, f'pattern = "{pattern}"')
    drop.put("BAOCAO.XLSX", SOUND)
    for name in ("note.csv", "Ba\u0301o ca\u0301o/b.CSV", "c.txt"):
        drop.put(name, FOLDERS.replace("5", str(len(name))))
    drop.put("done/old.csv", FOLDERS)
    drop.put("sub.part", "")
    await drop.rounds(3)
    left = {name for folder, _, names in os.walk(tmp_path) if not folder.endswith("done") for name in names}
    assert {"BAOCAO.XLSX", "note.csv", "b.CSV", "c.txt"} - left == taken
    assert (drop.folder / "done" / "old.csv").exists(), "what was put away is never taken again"
    assert notice in drop.connector.report.sentence
    assert bool(notice) == bool(drop.connector.report.sentence)
    drop.end()


async def test_links_lead_nowhere(drop: Drop) -> None:
    secret = drop.directory / "admin.token"
    secret.write_text(f"{HEADER}secret;22/11/2026;1\n", encoding="utf-8")
    (drop.directory / "outside").mkdir()
    (drop.folder / "a.csv").symlink_to(secret)
    (drop.folder / "b").symlink_to(drop.directory)
    (drop.folder / "done").symlink_to(drop.directory / "outside")
    os.mkfifo(drop.folder / "pipe.csv")
    (drop.folder / "c.csv").hardlink_to(secret)
    taken = await drop.rounds()
    assert len(taken.rejections) == 5, "the folder that is a link is one too"
    assert all("link" in sentence or "pipe; only regular files" in sentence for sentence in taken.sentences)
    assert not any(refused.content and b"secret" in refused.content for refused in taken.rejections)
    assert sorted(path.name for path in (drop.folder / "refused").iterdir()) == [
        "a.csv",
        "b",
        "c.csv",
        "done",
        "pipe.csv",
    ]
    assert list((drop.directory / "outside").iterdir()) == []
    drop.put("good.csv", GOOD)
    assert (await drop.rounds()).values == [1, 2]
    assert secret.exists()


BOMBS = {
    "far.xlsx": workbook(TITLES, ["A", "22/11/2026", 1], XFD20000=" "),
    "farther.xlsx": workbook(TITLES, ["A", "22/11/2026", 1], XFD1048576=" "),
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_stray_cell_far_away_costs_nothing(drop: Drop, name: str) -> None:
    drop.put(name, BOMBS[name])
    drop.put("good.csv", GOOD)
    taken = await drop.rounds()
    assert sorted(taken.values) == [1, 1, 2]
    assert taken.rejections == []


async def test_what_bursts_the_limits_is_refused_by_name(tmp_path: Path) -> None:
    drop = Drop(tmp_path, 'memory_mb = 96\nprocessor_time = "2s"')
    row = b'<row r="1">' + b"".join(
        b'<c r="%s1" t="inlineStr"><is><t>%s</t></is></c>' % (column, name.encode())
        for column, name in zip((b"A", b"B", b"C"), ("Trạm", "Ngày", "Số lượng"), strict=True)
    )
    head = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    filled = b"".join(b"<row>%s</row>" % (b"<c><v>1</v></c>" * 1000) for _ in range(10))
    drop.put("1 memory.xlsx", sheet_of(head + row + b"</row>" + filled * 250 + b"</sheetData></worksheet>"))
    drop.put("2 quoted.xlsx", sheet_of(head.replace(b'"', b"'") + b"<row><c r='XFD1048576'><v>1</v></c></row>"))
    drop.put("3 unpacks.xlsx", packed({"xl/x": b"0" * 123_457}).replace(pack("<I", 123_457), pack("<I", 1 << 30 | 1)))
    drop.put("4 good.csv", GOOD)
    taken = await drop.rounds()
    assert taken.values == [1, 2]
    told = dict(zip(sorted(drop.names("refused")), sorted(taken.sentences), strict=True))
    assert all(f"File {name}: " in sentence for name, sentence in told.items()), told
    assert "memory" in told["1 memory.xlsx"]
    assert "unpacks to more than 1 GB" in told["3 unpacks.xlsx"]
    drop.end()


async def test_a_reading_process_that_is_killed_is_replaced(drop: Drop) -> None:
    drop.put("a.csv", HEADER + "".join(f"S{n};22/11/2026;1\n" for n in range(5000)))
    drop.connector._folder.scan(-1)
    values = []
    async for page in drop.connector.fetch(drop.position):
        values += [row["Trạm"] for row, _ in page.rows]  # type: ignore[index]
        if len(values) == 2000:
            process = drop.connector._reader._process
            assert process is not None
            process.kill()
    assert values == [f"S{n}" for n in range(5000)]


async def test_a_file_that_cannot_be_opened_does_not_stop_the_next(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    drop.put("a.csv", GOOD)
    drop.put("b.csv", GOOD.replace(";2\n", ";3\n"))

    def barred(folder, dropped, before):  # type: ignore[no-untyped-def]
        if dropped.path.name == "a.csv":
            raise PermissionError(13, "Permission denied")
        return digest_file(folder, dropped, before)

    monkeypatch.setattr("connectors.file_drop.connector.digest_file", barred)
    assert (await drop.rounds()).values == [1, 3]
    assert drop.connector.report.sentence == "File a.csv cannot be read: Permission denied."
    monkeypatch.undo()
    assert (await drop.rounds(1)).received == 2
    assert (await drop.rounds(1)).received == 0
    assert drop.connector.report.sentence == ""


async def test_killed_after_every_page(drop: Drop) -> None:
    drop.put("a.csv", HEADER + "".join(f"S{n};22/11/2026;1\n" for n in range(5000)))
    drop.put("b.csv", "Trạm\nA\n")
    taken = Taken()
    for _ in range(40):
        drop.connector._folder.scan(-1)  # so that the files have rested
        await drop.page_before_a_kill(taken)
    assert sorted(taken.subjects) == sorted(f"S{n}" for n in range(5000))
    assert (len(taken.rejections), taken.duplicate) == (1, 0)
    assert (drop.names(), drop.names("done"), drop.names("refused")) == ([], ["a.csv"], ["b.csv"])


async def test_a_file_of_corrections_is_read_whenever_it_is_dropped(tmp_path: Path) -> None:
    """200, then 250, then the first file again: all three go to the store, which keeps the last value of a key."""
    drop = Drop(tmp_path)
    toml = tmp_path / "test.toml"
    toml.write_text('same_key = "correction"\n' + toml.read_text(encoding="utf-8"), encoding="utf-8")
    drop.known.same_key = SameKey.CORRECTION
    drop.start()
    values = []
    for name, value in (("a.csv", 200), ("b.csv", 250), ("c.csv", 200)):
        drop.put(name, f"{HEADER}A;22/11/2026;{value}\n")
        values += (await drop.rounds(3)).values
    assert values == [200, 250, 200]
    drop.end()


async def test_a_refused_file_is_put_back_by_a_replay(drop: Drop) -> None:
    drop.put("a.csv", GOOD.replace("Số lượng", "Khác"))
    [refused] = (await drop.rounds(3)).rejections
    assert drop.names("refused") == ["a.csv"]
    letters = [RefusedRecord("k", refused.index, refused.content, refused.place)]
    writer = cast(SourceWriter, drop.known)
    result = await drop.connector.replay(writer, ReplayRequest("1", "test", "an", letters))
    assert (result.replayed, result.files) == (["k"], ["a.csv"])
    drop.configure(MAPPING.replace('"Số lượng"', '"Khác"'))
    drop.start()
    assert (await drop.rounds(3)).values == [1, 2]
    again = await drop.connector.replay(writer, ReplayRequest("2", "test", "an", letters))
    assert again.replayed == []
    assert "no longer in refused/" in again.not_replayable[0][1]
