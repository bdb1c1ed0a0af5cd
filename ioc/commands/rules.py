"""`ioc rules`: check the rules of alerts, and run their cases."""

from dataclasses import asdict
from datetime import date
from pathlib import Path

import click
import orjson

from ioc.alerts.plan import units_of
from ioc.alerts.rule_cases import run_case
from ioc.catalog import load
from ioc.catalog.faults import CatalogInvalid, Fault
from ioc.catalog.routing import load_routing
from ioc.catalog.rule_cases import read_cases
from ioc.catalog.rules import load_rules
from ioc.settings import Settings


@click.group()
def command() -> None:
    """Rules of alerts."""


@command.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--catalog", "directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def test(files: tuple[Path, ...], directory: Path | None, as_json: bool) -> None:
    """Run the cases of FILES against the rules in force (with those of --catalog, default: the province's own, laid
    over); exit code 1 with a sentence for each case that fails."""
    settings = Settings.from_environment()
    overlay = directory or settings.catalog_dir
    faults: list[Fault] = []
    failures: list[str] = []
    cases = 0
    try:
        catalog = load(settings.province, overlay)
        rules = load_rules(catalog, overlay).rules
    except CatalogInvalid as invalid:
        _report(0, [], invalid.faults, as_json)
        raise click.exceptions.Exit(1) from None
    units = catalog.vocabulary.units
    targets = {kpi_id: kpi.targets for kpi_id, kpi in catalog.kpis.items()}
    for path in files:
        try:
            listed = read_cases(path, rules)
        except CatalogInvalid as invalid:
            faults += invalid.faults
            continue
        for case in listed:
            cases += 1
            rule = rules[case.rule]
            unit = units[next(iter(units_of(rule, units)), catalog.province.code)]
            failures += run_case(case, rule, unit, targets, settings.zone, _is_weekday)
    _report(cases, failures, faults, as_json)
    if failures or faults:
        raise click.exceptions.Exit(1)


@command.command()
@click.argument("directory", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def check(directory: Path | None, as_json: bool) -> None:
    """Check rules, procedures and routing, with those of DIRECTORY (default: the province's own) laid over; exit code 1
    on a fault."""
    settings = Settings.from_environment()
    overlay = directory or settings.catalog_dir
    try:
        found = load_rules(load(settings.province, overlay), overlay)
        load_routing(overlay)
    except CatalogInvalid as invalid:
        _report(0, [], invalid.faults, as_json)
        raise click.exceptions.Exit(1) from None
    counts = {"rules": len(found.rules), "procedures": len(found.procedures)}
    text = ", ".join(f"{n} {what}" for what, n in counts.items())
    click.echo(orjson.dumps({"faults": [], **counts}) if as_json else text)


def _is_weekday(day: date) -> bool:
    """Cases hold whatever days off the year has; they name weekdays only."""
    return day.weekday() < 5


def _report(cases: int, failures: list[str], faults: list[Fault], as_json: bool) -> None:
    if as_json:
        answer = {"cases": cases, "failures": failures, "faults": [asdict(fault) for fault in faults]}
        click.echo(orjson.dumps(answer))
        return
    for fault in faults:
        click.echo(str(fault), err=True)
    for failure in failures:
        click.echo(failure, err=True)
    if not faults and not failures:
        click.echo(f"{cases} cases hold")
