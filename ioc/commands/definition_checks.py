"""Check all kinds of definitions of a province, for `ioc catalog check` and `ioc doctor`."""

from collections.abc import Callable, Mapping, Sized
from pathlib import Path

from ioc.catalog import load, load_displays
from ioc.catalog.channels import load_channels
from ioc.catalog.same_names import differing_conditions
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault
from ioc.commands.rule_checks import check_alerting
from ioc.messages import Message
from ioc.open_data.dataset_selection import load_open_data
from ioc.reports.loader import load_reports
from ioc.settings import Settings
from ioc.terminal import in_language


def check_definitions(settings: Settings, overlay: Path | None) -> dict[str, int]:
    """Return the number of definitions of each kind, with those of `overlay` overriding the package's.

    Raises CatalogInvalid with the faults of all kinds; when the packs themselves are faulty, what depends on them is
    not checked.
    """
    faults: list[DefinitionFault] = []
    counts: dict[str, int] = {}

    def count(kind: str, read: Callable[[], Sized]) -> None:
        try:
            counts[kind] = len(read())
        except CatalogInvalid as invalid:
            faults.extend(invalid.faults)

    count("channels", lambda: load_channels(settings.channels_path))
    try:
        catalog = load(settings.province, overlay)
    except CatalogInvalid as invalid:
        raise CatalogInvalid([*faults, *invalid.faults]) from None
    faults += differing_conditions(catalog.kpis)
    counts |= {
        "measures": len(catalog.vocabulary.measures),
        "case_types": len(catalog.vocabulary.case_types),
        "kpis": len(catalog.kpis),
    }
    try:
        counts |= check_alerting(catalog, overlay, settings.zone)
    except CatalogInvalid as invalid:
        faults += invalid.faults
    count("displays", lambda: load_displays(catalog, overlay))
    count("reports", lambda: load_reports(catalog, overlay))
    count("datasets", lambda: load_open_data(catalog, overlay).datasets)
    if faults:
        raise CatalogInvalid(faults)
    return counts


def counted(counts: Mapping[str, int]) -> str:
    """Return "3 kpis, 2 rules" in the language of the terminal."""
    return ", ".join(in_language(Message("counted", count=count, kind=kind)) for kind, count in counts.items())
