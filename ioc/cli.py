"""The command line `ioc`. Each command is a module of `ioc/commands/`, imported when it runs."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from ioc.errors import IocError
from ioc.messages import terminal_language
from ioc.private_files import keep_new_files_private
from ioc.supervisor.no_pandas import keep_pandas_out
from ioc.supervisor.resource_limits import raise_descriptor_limit
from ioc.terminal import in_language, usage_fault

COMMANDS = {
    "up": "run the whole centre with the demonstration province",
    "broker": "run the embedded Kafka broker",
    "topics": "create, repair and show the Kafka topics",
    "serve": "run the server: historian, KPIs, alerts, API and pages",
    "report": "list, issue and check reports",
    "lab": "run the analysts' side: SQL, reports, open data",
    "streams": "run the stream workers (readings to panes, checks of cases)",
    "connect": "run the connectors of the configured sources",
    "demo": "simulate the sector systems of the demonstration province",
    "source": "show the token of a push source, replay refused records",
    "user": "manage accounts, tokens and wall displays; show the audit trail",
    "catalog": "check the definitions, list KPIs without a source, begin a new sector",
    "rules": "check alert rules, run their test cases, backtest a rule",
    "snapshot": "take a snapshot of the store for analysts",
    "doctor": "show the state of the centre and what to do; exit code 1 when a person is needed",
    "ledger": "show received, applied and rejected records; exit code 1 when it does not balance",
}


class _Commands(click.Group):
    def list_commands(self, _context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"ioc.commands.{name}").command
        command.short_help = COMMANDS[name]
        return command

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=_Commands, help="Operations centre for a Vietnamese province.")
@click.version_option(package_name="ioc", message="%(version)s")
def cli() -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line, by default the process's own.

    An error that a user can correct is printed as one sentence, with exit code 2 and never with a traceback.
    """
    keep_pandas_out()
    raise_descriptor_limit()
    keep_new_files_private()
    try:
        outcome = cli.main(arguments, prog_name="ioc", standalone_mode=False)
        if isinstance(outcome, int):
            # Click returns the exit code of a command that ends itself instead of raising it.
            sys.exit(outcome)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as fault:
        _show(fault)
        sys.exit(2)
    except IocError as fault:
        click.echo(f"ioc: {in_language(fault.message)}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)


def _show(fault: click.ClickException) -> None:
    """Print what is wrong with a command line: in English as click does, else with the usage line above it."""
    language = terminal_language(os.environ)
    message = usage_fault(fault)
    if language == "en" or message is None:
        fault.show()
        return
    if isinstance(fault, click.UsageError) and fault.ctx is not None:
        click.echo(fault.ctx.get_usage(), err=True)
    click.echo(f"ioc: {message.text(language)}", err=True)
