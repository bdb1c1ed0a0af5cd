"""`ioc doctor`: show the state of the centre and what to do."""

import os

import click
import orjson

from connectors.configuration import read_source
from ioc.clock import SystemClock
from ioc.commands.definition_checks import check_definitions
from ioc.doctor import Finding, FindingLevel, examine
from ioc.errors import ConfigurationInvalid
from ioc.messages import terminal_language
from ioc.settings import Settings

_MARKS = {FindingLevel.BAD: "✗", FindingLevel.NOTE: "!", FindingLevel.GOOD: "✓"}


def examine_centre(settings: Settings) -> list[Finding]:
    """Return every finding on this machine, the worst first."""
    return examine(
        settings, SystemClock().now(), lambda: check_definitions(settings, settings.catalog_dir), read_source
    )


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def command(as_json: bool) -> None:
    """Show the state of the centre and what to do.

    It examines processes, files, topics, disk, snapshot and archive. The exit code is 1 when a person is needed.
    IOC_LANGUAGE=vi or en chooses the language.
    """
    language = terminal_language(os.environ)
    try:
        settings = Settings.from_environment()
        settings.create_data_dir()
        findings = examine_centre(settings)
    except ConfigurationInvalid as fault:
        findings = [Finding.of("settings", "settings_faulty", reason=fault.message)]
    if as_json:
        click.echo(orjson.dumps({"findings": [finding.shape() for finding in findings]}))
    else:
        for finding in findings:
            click.echo(f"{_MARKS[finding.level]} {finding.part:12} {finding.text(language)}")
    if any(finding.level is FindingLevel.BAD for finding in findings):
        raise click.exceptions.Exit(1)
