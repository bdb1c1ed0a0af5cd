"""The checked catalogue kept on disk: the same as checked anew, and never an old one."""

from pathlib import Path

import pytest

from ioc.catalog import CatalogInvalid, load, load_kept

PACK = """
[sector]
id = "own"
name = { vi = "Riêng", en = "Own" }
order = 99

[[measure]]
id = "own.m"
name = { vi = "Đo", en = "Measure" }
unit_of_measure = "1"
kind = "gauge"

[[kpi]]
id = "own.k"
name = { vi = "Chỉ số", en = "KPI" }
unit_of_measure = "1"
window = "today"
aggregate = { measure = "own.m", take = "mean" }
min_samples = SAMPLES
basis = "thử"
"""


def write(overlay: Path, samples: object) -> None:
    overlay.mkdir(exist_ok=True)
    (overlay / "own.toml").write_text(PACK.replace("SAMPLES", str(samples)), encoding="utf-8")


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    write(tmp_path / "catalog", 3)
    return tmp_path / "catalog"


def test_what_is_kept_is_what_was_checked(overlay: Path, tmp_path: Path) -> None:
    first = load_kept("46", overlay, tmp_path / "kept")
    [file] = (tmp_path / "kept").iterdir()
    before = file.stat().st_mtime_ns
    again = load_kept("46", overlay, tmp_path / "kept")
    checked = load("46", overlay)
    assert file.stat().st_mtime_ns == before
    assert file.stat().st_mode & 0o777 == 0o600
    for catalog in (first, again):
        assert dict(catalog.kpis) == dict(checked.kpis)
        assert dict(catalog.vocabulary.units) == dict(checked.vocabulary.units)
        assert dict(catalog.constants) == dict(checked.constants)


def test_a_changed_definition_is_checked_anew_and_the_old_one_not_kept(overlay: Path, tmp_path: Path) -> None:
    load_kept("46", overlay, tmp_path / "kept")
    write(overlay, 7)
    assert load_kept("46", overlay, tmp_path / "kept").kpis["own.k"].min_samples == 7
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_another_province_is_another_catalogue(overlay: Path, tmp_path: Path) -> None:
    load_kept("46", overlay, tmp_path / "kept")
    assert load_kept("79", overlay, tmp_path / "kept").province.code == "79"


def test_a_fault_is_told_each_time(overlay: Path, tmp_path: Path) -> None:
    write(overlay, '"three"')
    for _ in range(2):
        with pytest.raises(CatalogInvalid, match="min_samples"):
            load_kept("46", overlay, tmp_path / "kept")


def test_a_damaged_file_is_made_anew(overlay: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    load_kept("46", overlay, tmp_path / "kept")
    [file] = (tmp_path / "kept").iterdir()
    file.write_bytes(file.read_bytes()[:1000])
    assert load_kept("46", overlay, tmp_path / "kept").kpis["own.k"].min_samples == 3
    assert "is not readable" in caplog.text
    assert file.stat().st_size > 1000


def test_nowhere_to_keep_it_is_no_fault(overlay: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file where the folder would be")
    assert "own.k" in load_kept("46", overlay, tmp_path / "kept").kpis
