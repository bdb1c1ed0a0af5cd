"""`ioc rules`: check alert rules, run their test cases, backtest a rule."""

from pathlib import Path
from typing import Any

import click
import orjson

from ioc.catalog import load
from ioc.catalog.rule_cases import read_cases
from ioc.catalog.rules import load_rules
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault
from ioc.commands.centre_client import call_centre
from ioc.commands.definition_checks import counted
from ioc.commands.rule_checks import check_alerting, failures_of
from ioc.errors import IocError
from ioc.messages import Message
from ioc.settings import Settings
from ioc.terminal import say

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
    failures: list[Message] = []
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
    click.echo(orjson.dumps({"faults": [], **counts}) if as_json else counted(counts))


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
        raise IocError(Message("path_not_utf8_file", path=path)) from fault
    except OSError as fault:
        raise IocError(Message("path_unreadable", path=path, reason=fault.strerror)) from fault
    found = call_centre(settings, "POST", "/api/v1/rules/backtest", {**trial, "days": days}, _PATIENCE_S)
    if as_json:
        click.echo(orjson.dumps(found))
        return
    say(_summary(found["after"], found["units"], days))
    if found["before"] is not None:
        say(Message("version_in_force", summary=_summary(found["before"], found["units"], days)))
        say(Message("backtest_change", new=len(found["new"]), gone=len(found["gone"])))
    for one in found["after"]["firings"][:20]:
        say(Message("backtest_firing", fired=one["fired"], unit=f"{one['unit']:>8}", end=one["end"] or Message("now")))


def _summary(side: dict[str, Any], units: int, days: int) -> Message:
    hours = f"{side['firing_s'] / 3600:,.1f}"
    affected = len(side["units"])
    return Message("backtest_summary", count=side["count"], days=days, affected=affected, units=units, hours=hours)


def _report(cases: int, failures: list[Message], faults: list[DefinitionFault], as_json: bool) -> None:
    if as_json:
        answer = {"cases": cases, "failures": failures, "faults": [fault.shape() for fault in faults]}
        click.echo(orjson.dumps(answer))
        return
    for fault in faults:
        say(fault.whole, err=True)
    for failure in failures:
        say(failure, err=True)
    if not faults and not failures:
        say(Message("cases_hold", count=cases))
