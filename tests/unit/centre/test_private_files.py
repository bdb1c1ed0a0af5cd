"""What the centre writes is for its own user, and what an older version left open is closed at the start."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ioc.private_files import check_private, make_private


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*")}


def test_what_others_could_reach_is_closed(tmp_path: Path) -> None:
    data, outside = tmp_path / "data", tmp_path / "outside"
    (data / "archive" / "year=2026").mkdir(parents=True)
    outside.touch()
    for path, mode in (
        (data, 0o755),
        (data / "archive", 0o775),
        (data / "archive" / "year=2026", 0o755),
        (outside, 0o644),
    ):
        path.chmod(mode)
    for name, mode in (("people.db", 0o644), ("run.sh", 0o755), ("secret", 0o600), ("archive/panes.parquet", 0o664)):
        (data / name).touch()
        (data / name).chmod(mode)
    (data / "link").symlink_to(outside)
    result = make_private(data)
    assert (result.mended, result.left) == (6, ())
    del (found := modes(data))["link"]
    assert found == {
        "archive": 0o700,
        "archive/year=2026": 0o700,
        "archive/panes.parquet": 0o600,
        "people.db": 0o600,
        "run.sh": 0o700,
        "secret": 0o600,
    }
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE(outside.stat().st_mode) == 0o644
    assert make_private(data).mended == 0


def test_what_cannot_be_mended_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)

    def refuse(self: Path, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted", str(self))

    monkeypatch.setattr(Path, "chmod", refuse)
    check_private(tmp_path)
    assert len(caplog.records) == 1
    assert "chown" in caplog.text
    assert "\n" not in caplog.records[0].getMessage()


def test_a_command_writes_for_its_user_only(tmp_path: Path) -> None:
    """Whatever the shell's own umask is."""
    command = [sys.executable, "-m", "ioc", "user", "display", "sanh-lon"]
    data = tmp_path / "var"
    environment = os.environ | {"IOC_DATA_DIR": str(data)}
    subprocess.run(command, env=environment, umask=0, check=True, capture_output=True, timeout=60)
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert set(modes(data).values()) == {0o600}
