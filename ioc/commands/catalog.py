"""`ioc catalog`: check the definitions, list KPIs without a source, begin a new sector."""

from dataclasses import asdict
from pathlib import Path

import click
import orjson

from connectors.configuration import read_source
from connectors.mapping_table import feeds_of
from ioc.catalog import load
from ioc.catalog.coverage import unfed
from ioc.catalog.new_pack import new_pack
from ioc.catalog.toml_table import ID, CatalogInvalid
from ioc.commands.definition_checks import check_definitions, counted
from ioc.errors import IocError
from ioc.messages import Message
from ioc.settings import Settings
from ioc.terminal import in_language, say


@click.group()
def command() -> None:
    """Check and extend the definitions of measures, case types and KPIs."""


@command.command()
@click.argument("directory", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def check(directory: Path | None, as_json: bool) -> None:
    """Check all definitions.

    That is packs, units, rules with their test cases, routing, channels, displays, reports and open data. Those of
    DIRECTORY (default: the province's own) override the package's. The exit code is 1 when there is a fault.
    """
    settings = Settings.from_environment()
    overlay = directory or settings.catalog_dir
    try:
        counts = check_definitions(settings, overlay)
    except CatalogInvalid as invalid:
        if as_json:
            click.echo(orjson.dumps({"faults": [fault.shape() for fault in invalid.faults]}))
        else:
            for fault in invalid.faults:
                say(fault.whole, err=True)
        raise click.exceptions.Exit(1) from None
    click.echo(orjson.dumps({"faults": [], **counts}) if as_json else counted(counts))


@command.command()
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def coverage(as_json: bool) -> None:
    """List the KPIs that no configured source feeds.

    Each is shown with the measures and case types that it lacks. The exit code is 1 when there is any.
    """
    settings = Settings.from_environment()
    catalog = load(settings.province, settings.catalog_dir)
    configurations = [read_source(path) for path in sorted(settings.sources_dir.glob("*.toml"))]
    missing = unfed(catalog, {configuration.source: feeds_of(configuration) for configuration in configurations})
    if as_json:
        counts = {"kpis": len(catalog.kpis), "sources": len(configurations)}
        click.echo(orjson.dumps({**counts, "unfed": [asdict(kpi) for kpi in missing]}))
    else:
        for kpi in missing:
            say(Message("kpi_not_provided", kpi=kpi.kpi, missing=list(kpi.missing)))
        fed = len(catalog.kpis) - len(missing)
        say(Message("kpis_fed", fed=fed, kpis=len(catalog.kpis), sources=len(configurations)), err=True)
    if missing:
        raise click.exceptions.Exit(1)


@command.command()
@click.argument("sector")
def new(sector: str) -> None:
    """Write a commented example pack for SECTOR into the province's catalogue."""
    if not ID.match(sector) or "." in sector:
        raise click.BadParameter(in_language(Message("sector_id")), param_hint="SECTOR")
    settings = Settings.from_environment()
    path = settings.catalog_dir / f"{sector}.toml"
    known = load(settings.province, settings.catalog_dir).sectors
    if path.exists() or sector in known:
        where = str(path) if path.exists() else Message("the_catalogue")
        raise IocError(Message("sector_exists", sector=sector, where=where))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(new_pack(sector), encoding="utf-8")
    click.echo(str(path))
