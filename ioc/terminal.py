"""What commands print for people, in the language of the terminal."""

import os

import click

from ioc.messages import Message, terminal_language


def in_language(message: Message) -> str:
    """Return a message in the language of the terminal."""
    return message.text(terminal_language(os.environ))


def say(message: Message, *, err: bool = False) -> None:
    """Print a message in the language of the terminal, to the standard error if `err`."""
    click.echo(in_language(message), err=err)


def usage_fault(fault: click.ClickException) -> Message | None:
    """Return the message for a command line that click refuses; None where only click's own words say it."""
    match fault:
        case click.NoSuchOption():
            return Message("no_such_option", name=fault.option_name)
        case click.MissingParameter():
            return Message("missing_argument", name=fault.param.human_readable_name if fault.param else "")
        case click.BadParameter():
            name = fault.param.human_readable_name if fault.param else fault.param_hint
            return Message("bad_argument", name=str(name or ""), detail=fault.message)
        case click.UsageError():
            return Message("usage_fault", detail=fault.message)
    return None
