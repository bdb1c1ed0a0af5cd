"""`ioc user`: manage accounts, their tokens and wall displays, and show the audit trail."""

import getpass
import sys

import click
import orjson

from ioc.clock import rfc3339
from ioc.errors import BrokerUnavailable, ConfigurationInvalid
from ioc.messages import Message
from ioc.model.duration import DurationInvalid, parse_duration
from ioc.model.person import Role
from ioc.people import Anchor, People
from ioc.settings import Settings
from ioc.terminal import say

_ROLES = click.Choice([role.value for role in Role])
_JSON = click.option("--json", "as_json", is_flag=True, help="print JSON")


@click.group()
def command() -> None:
    """Manage accounts of people and wall displays.

    Passwords are asked for, or read as one line from standard input.
    """


@command.command()
@click.argument("name")
@click.option("--role", type=_ROLES, required=True)
@click.option("--full-name", default="", help="what others see (default: NAME)")
def add(name: str, role: str, full_name: str) -> None:
    """Create the account NAME."""
    people = _people()
    people.accounts.add(name, full_name or name, Role(role), _password())
    _note(people, "person.add", name, role=role)
    say(Message("account_added", name=name, role=role))


@command.command()
@click.argument("name")
def password(name: str) -> None:
    """Set the password of NAME, and end their sessions."""
    people = _people()
    people.accounts.set_password(name, _password())
    _note(people, "person.change", name, password="changed")


@command.command()
@click.argument("name")
@click.option("--role", type=_ROLES)
@click.option("--disable/--enable", default=None, help="whether NAME may log in")
def change(name: str, role: str | None, disable: bool | None) -> None:
    """Change the role of NAME, or whether they may log in."""
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
    """List the accounts."""
    people = _people().accounts.all()
    if as_json:
        rows = [{"name": p.name, "full_name": p.full_name, "role": p.role, "disabled": p.disabled} for p in people]
        click.echo(orjson.dumps(rows))
        return
    for person in people:
        click.echo(f"{person.name:20} {person.role:10} {'disabled' if person.disabled else '':10} {person.full_name}")


@command.command()
@click.argument("name")
@click.option("--end", is_flag=True, help="revoke the display's token instead")
@_JSON
def display(name: str, end: bool, as_json: bool) -> None:
    """Print a new token for wall display NAME.

    It may only view. Open /wall/main?token=TOKEN on the display once.
    """
    people = _people()
    if end:
        people.sessions.end_display(name)
        _note(people, "display.end", name)
        return
    token = people.sessions.make_display(name)
    _note(people, "display.add", name)
    click.echo(orjson.dumps({"display": name, "token": token}) if as_json else token)


@command.command()
@click.argument("name")
@click.option("--for", "lasts", default="90d", show_default=True, help="how long it is valid, such as 90d")
@_JSON
def token(name: str, lasts: str, as_json: bool) -> None:
    """Print a new token for scripts and tools of NAME.

    They send it as `Authorization: Bearer TOKEN`. It is shown only now.
    """
    try:
        length = parse_duration(lasts, ("d",), max_digits=4)
    except DurationInvalid:
        raise ConfigurationInvalid(Message("days_form", given=lasts)) from None
    people = _people()
    text, made = people.tokens.make(name, length)
    _note(people, "token.add", name, id=made.id, expires_at=rfc3339(made.expires_at))
    row = {"person": name, "id": made.id, "token": text, "expires_at": rfc3339(made.expires_at)}
    click.echo(orjson.dumps(row) if as_json else text)


@command.command()
@click.argument("name")
@_JSON
def tokens(name: str, as_json: bool) -> None:
    """List the tokens of NAME: ids, expiry and last use."""
    rows = [
        {
            "id": known.id,
            "made_at": rfc3339(known.made_at),
            "expires_at": rfc3339(known.expires_at),
            "used_at": rfc3339(known.used_at) if known.used_at else None,
        }
        for known in _people().tokens.of(name)
    ]
    if as_json:
        click.echo(orjson.dumps(rows))
        return
    for row in rows:
        say(Message("token_row", id=row["id"], ends=row["expires_at"], used=row["used_at"] or Message("never")))


@command.command()
@click.argument("token_id")
def revoke(token_id: str) -> None:
    """Revoke the token with this id."""
    people = _people()
    _note(people, "token.revoke", people.tokens.revoke(token_id), id=token_id)


@command.command()
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@_JSON
def trail(limit: int, as_json: bool) -> None:
    """Show who did what, newest first, and check the trail.

    The exit code is 2 when an entry was changed or entries are missing. The trail is also compared with the anchors
    that the centre publishes to Kafka hourly, if the broker answers.
    """
    people = _people()
    for act in people.trail.read(limit=limit):
        row = {"number": act.number, "at": rfc3339(act.at), "who": act.who, "act": act.act, "what": act.what}
        details = " ".join(f"{name}={value}" for name, value in act.details.items())
        click.echo(
            orjson.dumps(row | {"details": act.details})
            if as_json
            else f"{row['at']} {act.who or '-':16} {act.act:20} {act.what} {details}"
        )
    people.trail.verify(_anchors(Settings.from_environment()))


def _anchors(settings: Settings) -> list[Anchor]:
    """Return the published anchors of the trail; none, with a warning, when the broker is away."""
    from ioc.server.trail_anchors import read_anchors  # Kafka's client is slow to import

    try:
        return read_anchors(settings.bootstrap(), settings.security)
    except (BrokerUnavailable, ConfigurationInvalid) as fault:
        say(Message("trail_not_compared", reason=fault.message), err=True)
        return []


def _people() -> People:
    return People.open(Settings.from_environment().people_path)


def _note(people: People, act: str, what: str, **details: object) -> None:
    people.trail.note(f"command:{getpass.getuser()}", act, what, details)


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    given: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return given
