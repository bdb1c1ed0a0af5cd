"""`ioc rules`: check alert rules, run their test cases, backtest a rule."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import orjson

from ioc.catalog import load
from ioc.catalog.rule_cases import read_cases
from ioc.catalog.rules import load_rules
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault
from ioc.commands.centre_client import call_centre
from ioc.commands.rule_checks import check_alerting, failures_of
from ioc.errors import IocError
from ioc.settings import Settings

_PATIENCE_S = 120.0


@click.group()
def command() -> None:
    """Check and test alert rules."""


@command.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--catalog",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="folder of the definitions",
)
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def test(files: tuple[Path, ...], directory: Path | None, as_json: bool) -> None:
    """Run the test cases of FILES against the rules.

    The rules of --catalog (default: the province's own) override the package's. Each failing case is one sentence, and
    the exit code is then 1.
    """
    settings = Settings.from_environment()
    overlay = directory or settings.catalog_dir
    faults: list[DefinitionFault] = []
    failures: list[str] = []
    cases = 0
    try:
        catalog = load(settings.province, overlay)
        rules = load_rules(catalog, overlay)
    except CatalogInvalid as invalid:
        _report(0, [], invalid.faults, as_json)
        raise click.exceptions.Exit(1) from None
    for path in files:
        try:
            listed = read_cases(path, rules.rules)
        except CatalogInvalid as invalid:
            faults += invalid.faults
            continue
        for case in listed:
            cases += 1
            failures += failures_of(case, rules, catalog, settings.zone)
    _report(cases, failures, faults, as_json)
    if failures or faults:
        raise click.exceptions.Exit(1)


@command.command()
@click.argument("directory", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def check(directory: Path | None, as_json: bool) -> None:
    """Check rules with their test cases, procedures and routing.

    Those of DIRECTORY (default: the province's own) override the package's. The exit code is 1 when there is a fault.
    """
    settings = Settings.from_environment()
    overlay = directory or settings.catalog_dir
    try:
        counts = check_alerting(load(settings.province, overlay), overlay, settings.zone)
    except CatalogInvalid as invalid:
        _report(0, [], invalid.faults, as_json)
        raise click.exceptions.Exit(1) from None
    text = ", ".join(f"{n} {what}" for what, n in counts.items())
    click.echo(orjson.dumps({"faults": [], **counts}) if as_json else text)


@command.command()
@click.argument("rule")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 400), help="number of days")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def backtest(rule: str, days: int, as_json: bool) -> None:
    """Show what RULE would have done with the history of the running centre.

    RULE is the id of a rule in force, or a TOML file with a rule, which is compared with the version in force.
    """
    settings = Settings.from_environment()
    path = Path(rule)
    try:
        trial = {"text": path.read_text(encoding="utf-8-sig")} if path.is_file() else {"rule": rule}
    except UnicodeDecodeError as fault:
        raise IocError(f"{path}: the file is not UTF-8; save it as UTF-8.") from fault
    except OSError as fault:
        raise IocError(f"{path}: the file cannot be read: {fault.strerror}.") from fault
    found = call_centre(settings, "POST", "/api/v1/rules/backtest", {**trial, "days": days}, _PATIENCE_S)
    if as_json:
        click.echo(orjson.dumps(found))
        return
    click.echo(_summary(found["after"], found["units"], days))
    if found["before"] is not None:
        click.echo(f"The version in force: {_summary(found['before'], found['units'], days)}")
        click.echo(f"{len(found['new'])} would be new, {len(found['gone'])} would be gone.")
    for one in found["after"]["firings"][:20]:
        click.echo(f"{one['fired']}  {one['unit']:>8}  until {one['end'] or 'now'}")


def _summary(side: dict[str, Any], units: int, days: int) -> str:
    hours = side["firing_s"] / 3600
    return (
        f"{side['count']} alerts in {days} days, in {len(side['units'])} of {units} units, {hours:,.1f} hours in all."
    )


def _report(cases: int, failures: list[str], faults: list[DefinitionFault], as_json: bool) -> None:
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
