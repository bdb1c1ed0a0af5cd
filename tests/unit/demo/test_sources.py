"""The demonstration's sources feed the whole catalogue, and say so."""

from pathlib import Path

import pytest

from connectors.configuration import read_source
from connectors.mapping_table import feeds_of
from ioc.catalog.coverage import unfed
from ioc.demo.addresses import DROPS, Addresses
from ioc.demo.sources import write_sources
from ioc.demo.world.profile_files import profiles
from tests.support.catalogs import hue

AT = Addresses(8111, 8112, {source: f"/drop/{source}" for source in DROPS})


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    folder: Path = tmp_path_factory.mktemp("sources")
    assert write_sources(folder, AT, "46")
    assert write_sources(folder, AT, "46") == [], "what is there already is left alone"
    return {path.stem: set(feeds_of(read_source(path))) for path in folder.glob("*.toml")}


def test_every_kpi_of_the_catalogue_has_its_sources(feeds: dict[str, set[str]]) -> None:
    assert unfed(hue(), feeds) == []


def test_without_a_source_its_kpis_are_named(feeds: dict[str, set[str]]) -> None:
    others = {source: given for source, given in feeds.items() if source != "hydromet"}
    lacking = {kpi.kpi: kpi.missing for kpi in unfed(hue(), others)}
    assert lacking["flood.stage"] == ("river.kim_long", "river.phu_oc")
    assert "air.pm25_mean_24h" not in lacking


def test_a_system_feeds_what_its_profile_gives(feeds: dict[str, set[str]]) -> None:
    for profile in profiles():
        given = feeds.get(profile.source, set()) | feeds.get(f"{profile.source}-cases", set())
        assert given == {*profile.measures, *(case.case_type for case in profile.cases)}


def test_a_feed_of_the_catalogue_is_used_by_a_kpi_or_declared(feeds: dict[str, set[str]]) -> None:
    vocabulary = hue().vocabulary
    for given in feeds.values():
        assert given <= {*vocabulary.measures, *vocabulary.case_types}
