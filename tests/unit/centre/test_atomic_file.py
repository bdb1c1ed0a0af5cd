"""A file is written whole or not at all."""

import stat
from pathlib import Path
from typing import Any

import pytest

from ioc.atomic_file import atomic_file, write_atomically


@pytest.mark.parametrize("durable", [False, True], ids=["quick", "durable"])
@pytest.mark.parametrize(("data", "content"), [("Huế", "Huế".encode()), (b"\0\xff", b"\0\xff")], ids=["text", "bytes"])
def test_the_file_is_replaced(tmp_path: Path, durable: bool, data: str | bytes, content: bytes) -> None:
    path = tmp_path / "folder" / "file.json"
    write_atomically(path, "an earlier and longer content", durable=durable)
    write_atomically(path, data, durable=durable)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_earlier_content_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_atomically(path, "earlier")
    halves: list[Any] = [b"half", "not bytes"]
    with pytest.raises(TypeError), atomic_file(path) as file:
        file.writelines(halves)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("file.json", "earlier")]


def test_a_private_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("earlier")
    path.chmod(0o644)
    write_atomically(path, "later", private=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
