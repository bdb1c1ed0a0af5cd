"""`ioc snapshot`: take a snapshot of the store, through the running centre or directly when none runs."""

from typing import Any

import click
import orjson

from ioc.clock import SystemClock, rfc3339
from ioc.commands.centre_client import NoCentreRuns, call_centre
from ioc.errors import IocError
from ioc.messages import Message
from ioc.settings import Settings
from ioc.store import Store
from ioc.store.snapshot import take
from ioc.terminal import say

_PATIENCE_S = 300.0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def command(as_json: bool) -> None:
    """Take a snapshot of the store and put it in use; the running centre takes it when there is one."""
    settings = Settings.from_environment()
    taken = _through_centre(settings) or _from_store(settings)
    if as_json:
        click.echo(orjson.dumps(taken).decode())
        return
    size_mb, took_s = f"{taken['size_bytes'] / 1e6:.1f}", f"{taken['took_s']:.2f}"
    say(Message("snapshot_taken", at=taken["taken_at"], size=size_mb, seconds=took_s, path=taken["path"]))


def _through_centre(settings: Settings) -> dict[str, Any] | None:
    """Have the running centre take a snapshot; return None when none runs. Raises IocError when it fails."""
    try:
        answer = call_centre(settings, "POST", "/api/v1/lab/snapshot", timeout_s=_PATIENCE_S)
    except NoCentreRuns:
        return None
    taken: dict[str, Any] = answer["taken"]
    return taken


def _from_store(settings: Settings) -> dict[str, Any]:
    """Take a snapshot of the store, which no centre has open. Raises IocError."""
    if not settings.store_path.exists():
        raise IocError(Message("no_store_yet", path=settings.store_path))
    store = Store.open(settings.store_path, settings.archive_dir, zone=settings.zone)
    try:
        taken = take(store, settings.snapshots_dir, SystemClock().now())
    finally:
        store.close()
    return {
        "taken_at": rfc3339(taken.taken_at),
        "size_bytes": taken.size_bytes,
        "took_s": round(taken.took_s, 3),
        "path": str(taken.path),
    }
