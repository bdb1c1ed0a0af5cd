"""The catalogue cache on disk equals a fresh check, and is never out of date."""

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
    [file] = (tmp_path / "kept").glob("*.pickle")
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
    assert len(list((tmp_path / "kept").glob("*.pickle"))) == 1


def test_another_province_is_another_catalogue(overlay: Path, tmp_path: Path) -> None:
    load_kept("46", overlay, tmp_path / "kept")
    assert load_kept("79", overlay, tmp_path / "kept").province.code == "79"


def test_a_strict_reading_raises_the_fault_each_time(overlay: Path, tmp_path: Path) -> None:
    write(overlay, '"three"')
    for _ in range(2):
        with pytest.raises(CatalogInvalid, match="min_samples"):
            load_kept("46", overlay, tmp_path / "kept", strict=True)


def test_a_broken_file_gives_way_to_its_last_good_version(overlay: Path, tmp_path: Path) -> None:
    load_kept("46", overlay, tmp_path / "kept")
    write(overlay, '"three"')
    for _ in range(2):  # also when what is in force was made of a broken file before
        catalog = load_kept("46", overlay, tmp_path / "kept")
        assert catalog.kpis["own.k"].min_samples == 3
        assert [Path(fault.file) for fault in catalog.faults] == [overlay / "own.toml"]
    write(overlay, 5)
    mended = load_kept("46", overlay, tmp_path / "kept")
    assert (mended.kpis["own.k"].min_samples, mended.faults) == (5, ())


def test_a_broken_file_harms_itself_alone(overlay: Path, tmp_path: Path) -> None:
    (overlay / "broken.toml").write_text("[[kpi]")
    (overlay / "agencies.csv").write_text("province,code,name\n46,,x\n")
    catalog = load_kept("46", overlay, tmp_path / "kept")
    assert "own.k" in catalog.kpis
    assert {Path(fault.file).name for fault in catalog.faults} == {"broken.toml", "agencies.csv"}


def test_what_depends_on_a_file_left_out_steps_back_too(overlay: Path, tmp_path: Path) -> None:
    (overlay / "share.toml").write_text(
        '[sector]\nid = "own"\n[[kpi]]\nid = "own.double"\nname = { vi = "x", en = "x" }\nunit_of_measure = "1"\n'
        'window = "today"\nformula = { text = "2 * own.k" }\nbasis = "thử"\n'
    )
    assert "own.double" in load("46", overlay).kpis
    write(overlay, '"three"')  # never good before, so it is left out, and what is made of it with it
    catalog = load_kept("46", overlay, tmp_path / "kept")
    assert not catalog.kpis.keys() & {"own.k", "own.double"}
    assert catalog.faults


def test_a_damaged_file_is_made_anew(overlay: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    load_kept("46", overlay, tmp_path / "kept")
    [file] = (tmp_path / "kept").glob("*.pickle")
    file.write_bytes(file.read_bytes()[:1000])
    assert load_kept("46", overlay, tmp_path / "kept").kpis["own.k"].min_samples == 3
    assert "is not readable" in caplog.text
    assert file.stat().st_size > 1000


def test_nowhere_to_keep_it_is_no_fault(overlay: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file where the folder would be")
    assert "own.k" in load_kept("46", overlay, tmp_path / "kept").kpis
