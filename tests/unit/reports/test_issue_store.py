"""Issues on disk: whole or not at all, also after a kill; numbers go up; addresses that name none are refused."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ioc.errors import StoreUnavailable
from ioc.reports.issue_store import IssueId, Issues, NoIssue
from tests.support.example_issue import example_issue

FILES = {"xlsx": b"PK", "pdf": b"%PDF-"}
SLOW = """
import os, sys, time
from pathlib import Path
from ioc.reports import issue_store
from tests.support.example_issue import example_issue
sync, done = os.fsync, []
def slowly(handle):
    sync(handle)
    done.append(handle)
    if len(done) == int(sys.argv[2]):
        print("written", flush=True)
        time.sleep(60)
os.fsync = slowly
issue_store.Issues(Path(sys.argv[1])).add(example_issue(), {"xlsx": b"PK" * 1000, "pdf": b"%PDF-"})
"""


def test_what_was_added_is_there(tmp_path: Path) -> None:
    issues = Issues(tmp_path)
    made = issues.add(example_issue(), FILES)
    assert str(made) == "2026-10.1"
    assert issues.values(made)["title"]["vi"] == "Thống kê dịch vụ công trực tuyến"
    assert issues.path(made, "pdf").read_bytes() == b"%PDF-"
    second = issues.add(example_issue(2), FILES)
    assert issues.of("online_services") == [second, made]
    assert issues.latest("online_services", "2026-10") == second
    assert issues.latest("online_services", "2026-09") is None
    assert list((tmp_path / ".making").iterdir()) == []


def test_a_number_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    issues = Issues(tmp_path)
    made = issues.add(example_issue(), FILES)
    with pytest.raises(FileExistsError):
        issues.add(example_issue(), {**FILES, "pdf": b"other"})
    assert issues.path(made, "pdf").read_bytes() == b"%PDF-"


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_a_kill_leaves_all_or_nothing(tmp_path: Path, steps: int) -> None:
    """After each file that is safe on disk: the issue is not there; once it is, it is whole."""
    command = [sys.executable, "-c", SLOW, str(tmp_path), str(steps)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
    assert child.stdout is not None
    assert child.stdout.readline() == b"written\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    issues = Issues(tmp_path)
    assert issues.of("online_services") == []
    drafts = list((tmp_path / ".making").iterdir())
    assert len(drafts) == 1
    os.utime(drafts[0], (0, 0))
    issues.clear()
    assert list((tmp_path / ".making").iterdir()) == []
    assert str(issues.add(example_issue(), FILES)) == "2026-10.1"


def test_a_disk_that_does_not_take_it_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file where a folder should be")
    with pytest.raises(StoreUnavailable, match=r"The issue 2026-10\.1 of online_services cannot be written"):
        Issues(tmp_path / "reports").add(example_issue(), FILES)


@pytest.mark.parametrize(
    ("report", "text"),
    [
        ("online_services", "2026-10"),
        ("online_services", "../../1"),
        ("..", "2026-10.1"),
        ("online_services", "2026-10.x"),
    ],
)
def test_an_address_that_names_none(report: str, text: str) -> None:
    with pytest.raises(NoIssue, match="has no issue"):
        IssueId.parse(report, text)
