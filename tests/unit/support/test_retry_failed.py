"""A test that passes at its second try is named, one that fails again decides the exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.retry_failed import retry

FLAKY = """
from pathlib import Path

def test_passes_the_second_time():
    mark = Path(__file__).with_name("seen")
    seen = mark.exists()
    mark.touch()
    assert seen

def test_passes():
    pass
"""


def run_first(folder: Path, source: str) -> None:
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --disable-plugin-autoload\n")
    (folder / "test_sample.py").write_text(source)
    done = subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 1, done.stdout


def test_a_test_that_passes_alone_is_flaky(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run_first(tmp_path, FLAKY)
    assert retry(tmp_path) == 0
    assert "FLAKY test_sample.py::test_passes_the_second_time" in capfd.readouterr().out.splitlines()


def test_a_test_that_fails_again_is_a_fault(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run_first(tmp_path, "def test_fails():\n    assert False\n")
    assert retry(tmp_path) == 1
    assert "FLAKY" not in capfd.readouterr().out


def test_a_run_that_failed_without_a_failed_test_stays_failed(tmp_path: Path) -> None:
    assert retry(tmp_path) == 1
