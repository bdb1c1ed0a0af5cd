"""The TOML examples of the pages for definition authors and administrators are accepted as they stand."""

import re
from pathlib import Path

import pytest

from ioc.catalog.channels import load_channels
from ioc.commands.definition_checks import check_definitions
from ioc.settings import Settings

DOCS = Path(__file__).parents[3] / "docs"


def toml_blocks(page: Path) -> list[str]:
    return re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def test_the_definitions_of_the_page_for_authors_are_valid(tmp_path: Path) -> None:
    """Each block begins with the name of its file; together they are a province's own catalogue."""
    settings = Settings(tmp_path)
    before = check_definitions(settings, settings.catalog_dir)
    for block in toml_blocks(DOCS / "en" / "definition-author.md"):
        name = re.match(r"# (catalog/\S+)\n", block)
        assert name, block
        (tmp_path / name[1]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name[1]).write_text(block, encoding="utf-8")
    after = check_definitions(settings, settings.catalog_dir)
    more = {kind: after[kind] - before[kind] for kind in after if after[kind] != before[kind]}
    assert more == {"measures": 1, "kpis": 1, "rules": 1, "procedures": 1, "cases": 1, "displays": 1, "reports": 1}


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_channels_of_the_page_for_administrators_are_valid(language: str, tmp_path: Path) -> None:
    [block] = toml_blocks(DOCS / language / "administrator.md")
    path = tmp_path / "channels.toml"
    path.write_text(block, encoding="utf-8")
    assert {"duty-telegram", "hook"} <= set(load_channels(path))


def test_the_settings_of_the_page_of_configuration_are_valid(tmp_path: Path) -> None:
    [block] = toml_blocks(DOCS / "configuration.md")
    (tmp_path / "ioc.toml").write_text(block, encoding="utf-8")
    settings = Settings.from_environment({"IOC_DATA_DIR": str(tmp_path)})
    assert (settings.province, settings.address) == ("48", "https://ioc.example.vn")
