"""What `ioc up` prints first."""

from pathlib import Path

from ioc.settings import Settings
from ioc.supervisor.welcome import addresses_of, next_steps


def test_addresses_are_known_before_anything_runs(tmp_path: Path) -> None:
    lines = "\n".join(addresses_of(Settings(tmp_path, http_port=8181, kafka="127.0.0.1:9092")))
    assert "http://127.0.0.1:8181/wall/main" in lines
    assert str(tmp_path / "admin.token") in lines


def test_a_centre_without_sources_says_what_to_do_next(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    [line] = next_steps(settings)
    assert str(settings.sources_dir) in line
    settings.sources_dir.mkdir(parents=True)
    (settings.sources_dir / "air.toml").write_text("", encoding="utf-8")
    assert next_steps(settings) == []
