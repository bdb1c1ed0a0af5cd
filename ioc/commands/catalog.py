"""`ioc catalog`: check the definitions."""

from dataclasses import asdict
from pathlib import Path

import click
import orjson

from ioc.catalog import load
from ioc.catalog.faults import CatalogInvalid
from ioc.settings import Settings


@click.group()
def command() -> None:
    """Definitions of measures, case types and KPIs."""


@command.command()
@click.argument("directory", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def check(directory: Path | None, as_json: bool) -> None:
    """Check the packs, with those of DIRECTORY (default: the province's own) laid over; exit code 1 on a fault."""
    settings = Settings.from_environment()
    try:
        catalog = load(settings.province, directory or settings.catalog_dir)
    except CatalogInvalid as invalid:
        if as_json:
            click.echo(orjson.dumps({"faults": [asdict(fault) for fault in invalid.faults]}))
        else:
            for fault in invalid.faults:
                click.echo(str(fault), err=True)
        raise click.exceptions.Exit(1) from None
    counts = {
        "measures": len(catalog.vocabulary.measures),
        "case_types": len(catalog.vocabulary.case_types),
        "kpis": len(catalog.kpis),
    }
    click.echo(
        orjson.dumps({"faults": [], **counts}) if as_json else ", ".join(f"{n} {what}" for what, n in counts.items())
    )
