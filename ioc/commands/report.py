"""`ioc report`: list reports, make an issue, check the definitions."""

import time
from pathlib import Path
from typing import Any

import click
import orjson

from ioc.catalog import load
from ioc.catalog.channels import load_channels
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault
from ioc.commands.centre_client import call_centre
from ioc.commands.definition_checks import counted
from ioc.errors import IocError
from ioc.messages import Message
from ioc.reports.loader import load_reports
from ioc.settings import Settings
from ioc.terminal import in_language, say

_CHECK_EVERY_S = 1.0


@click.group()
def command() -> None:
    """List, issue and check periodic reports."""


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def list_reports(as_json: bool) -> None:
    """List the reports of the running centre with their newest issues."""
    found = _call("GET", "/api/v1/reports")
    if as_json:
        click.echo(orjson.dumps(found))
        return
    for report in found["reports"]:
        newest = report["newest"]
        made = Message("issue_made", id=newest["id"], at=newest["made_at"]) if newest else Message("no_issue_yet")
        click.echo(f"{report['id']:<22} {report['period']:<8} {report['title']['vi']}: {in_language(made)}")


@command.command()
@click.argument("report")
@click.option("--period", default="", help="such as 2026-10, 2026-Q3, 2026-W47 or 2025 (default: the last closed one)")
@click.option("--send", is_flag=True, help="also send it to the channels of its schedule")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def make(report: str, period: str, send: bool, as_json: bool) -> None:
    """Make an issue of REPORT in the running centre."""
    made = _call("POST", f"/api/v1/reports/{report}/issues", {"period": period, "send": send})
    if making := made.get("making"):
        made = _until_made(report, making)
    if as_json:
        click.echo(orjson.dumps(made))
        return
    folder = Settings.from_environment().data_dir / "reports" / made["report"] / made["period"] / str(made["number"])
    changed = Message("issue_changes", count=made["changes"], issue=made["replaces"]) if made["replaces"] else None
    click.echo(f"{made['report']} {made['id']}: {folder}{in_language(changed) if changed else ''}")


@command.command()
@click.argument("directory", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def check(directory: Path | None, as_json: bool) -> None:
    """Check the definitions of reports and their channels.

    Those of DIRECTORY (default: the province's catalogue) override the package's. The exit code is 1 when there is a
    fault.
    """
    settings = Settings.from_environment()
    overlay = directory or settings.catalog_dir
    faults: list[DefinitionFault] = []
    count = 0
    try:
        reports = load_reports(load(settings.province, overlay), overlay)
        count = len(reports)
        channels = load_channels(settings.channels_path)
        for report in reports.values():
            for channel in report.schedule.channels if report.schedule else ():
                if channel not in channels:
                    message = Message("no_channel_in_file", given=channel, file=settings.channels_path.name)
                    faults.append(DefinitionFault(report.file, f"report {report.id}", "schedule.channels", message))
    except CatalogInvalid as invalid:
        faults = invalid.faults
    if as_json:
        click.echo(orjson.dumps({"faults": [fault.shape() for fault in faults], "reports": count}))
    else:
        for fault in faults:
            say(fault.whole, err=True)
        if not faults:
            click.echo(counted({"reports": count}))
    if faults:
        raise click.exceptions.Exit(1)


def _until_made(report: str, job: dict[str, Any]) -> Any:
    """Wait for the issue that a job makes, and return it. Raises IocError when the job fails or is gone."""
    period = job["period"]
    while True:
        time.sleep(_CHECK_EVERY_S)
        found = _call("GET", f"/api/v1/reports/{report}")
        if any(one["period"] == period for one in found["making"]):
            continue
        last = found["last_made"]
        if last is None or last["period"] != period:
            raise IocError(Message("report_no_longer_made", period=period))
        if last["issue"] is None:
            raise IocError(last["detail"])
        issues = _call("GET", f"/api/v1/reports/{report}/issues")["issues"]
        return next(issue for issue in issues if issue["id"] == last["issue"])


def _call(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    return call_centre(Settings.from_environment(), method, path, body)
