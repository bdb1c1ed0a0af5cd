"""The command line. Each command lives in `ioc/commands/`; what it needs is imported when it runs."""

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

COMMANDS = {
    "up": "run the whole centre with the demonstration province",
    "broker": "run the embedded Kafka broker",
    "topics": "create the topics and show them",
    "serve": "run the historian, the KPIs, the API and the wall",
    "report": "list, make and check reports",
    "lab": "run the analysts' side: SQL, reports, open data",
    "streams": "run the stream workers",
    "connect": "run the connectors of the configured sources",
    "demo": "run the simulated sector systems of the demonstration province",
    "source": "tokens of push sources",
    "user": "accounts of people, tokens of wall displays, the audit trail",
    "catalog": "check the definitions",
    "rules": "check the rules of alerts and run their cases",
    "snapshot": "copy the store for readers, and put the copy in use",
    "doctor": "show the state of the centre and what to do; exit code 1 when something needs a person",
    "ledger": "show what was received, applied and rejected; exit code 1 if it does not balance",
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


def main(words: Sequence[str] | None = None) -> None:
    """Run a command, by default the process's own; a fault that a user can mend is one sentence and exit code 2, never
    a traceback."""
    keep_pandas_out()
    raise_descriptor_limit()
    keep_new_files_private()
    try:
        outcome = cli.main(words, prog_name="ioc", standalone_mode=False)
        if isinstance(outcome, int):
            # Click gives the code of a command that ends itself, and does not raise it.
            sys.exit(outcome)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as fault:
        fault.show()
        sys.exit(2)
    except IocError as fault:
        click.echo(f"ioc: {fault.text(terminal_language(os.environ))}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)
