"""`ioc user`: accounts of people, tokens of wall displays, and the audit trail."""

import getpass
import sys

import click
import orjson

from ioc.clock import rfc3339
from ioc.model.person import Role
from ioc.people import People
from ioc.settings import Settings

_ROLES = click.Choice([role.value for role in Role])
_JSON = click.option("--json", "as_json", is_flag=True, help="print JSON")


@click.group()
def command() -> None:
    """People and wall displays. Passwords are asked for, or read as one line from standard input."""


@command.command()
@click.argument("name")
@click.option("--role", type=_ROLES, required=True)
@click.option("--full-name", default="", help="what others see; the name when left out")
def add(name: str, role: str, full_name: str) -> None:
    """Make the account NAME."""
    people = _people()
    people.accounts.add(name, full_name or name, Role(role), _password())
    _note(people, "person.add", name, role=role)
    click.echo(f"{name} can log in now, as {role}.")


@command.command()
@click.argument("name")
def password(name: str) -> None:
    """Give NAME a new password; their sessions end."""
    people = _people()
    people.accounts.set_password(name, _password())
    _note(people, "person.change", name, password="changed")


@command.command()
@click.argument("name")
@click.option("--role", type=_ROLES)
@click.option("--disable/--enable", default=None, help="whether they may log in")
def change(name: str, role: str | None, disable: bool | None) -> None:
    """Change what NAME may do."""
    people = _people()
    if role is not None:
        people.accounts.set_role(name, Role(role))
        _note(people, "person.change", name, role=role)
    if disable is not None:
        people.accounts.set_disabled(name, disable)
        _note(people, "person.change", name, disabled=disable)


@command.command("list")
@_JSON
def list_people(as_json: bool) -> None:
    """Show the accounts."""
    people = _people().accounts.all()
    if as_json:
        rows = [{"name": p.name, "full_name": p.full_name, "role": p.role, "disabled": p.disabled} for p in people]
        click.echo(orjson.dumps(rows))
        return
    for person in people:
        click.echo(f"{person.name:20} {person.role:10} {'disabled' if person.disabled else '':10} {person.full_name}")


@command.command()
@click.argument("name")
@click.option("--end", is_flag=True, help="the display's token ends")
@_JSON
def display(name: str, end: bool, as_json: bool) -> None:
    """Print a new token for the wall display NAME; it can only look. Open /wall/main?token=TOKEN on it once."""
    people = _people()
    if end:
        people.sessions.end_display(name)
        _note(people, "display.end", name)
        return
    token = people.sessions.make_display(name)
    _note(people, "display.add", name)
    click.echo(orjson.dumps({"display": name, "token": token}) if as_json else token)


@command.command()
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@_JSON
def trail(limit: int, as_json: bool) -> None:
    """Show what was done, newest first; exit code 1 if an entry was tampered with."""
    people = _people()
    for act in people.trail.read(limit=limit):
        row = {"number": act.number, "at": rfc3339(act.at), "who": act.who, "act": act.act, "what": act.what}
        words = " ".join(f"{name}={value}" for name, value in act.details.items())
        click.echo(
            orjson.dumps(row | {"details": act.details})
            if as_json
            else f"{row['at']} {act.who or '-':16} {act.act:20} {act.what} {words}"
        )
    people.trail.verify()


def _people() -> People:
    return People.open(Settings.from_environment().people_path)


def _note(people: People, act: str, what: str, **details: object) -> None:
    people.trail.note(f"command:{getpass.getuser()}", act, what, details)


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    given: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return given
