"""`ioc snapshot`: take a snapshot of the store, through the running centre or directly when none runs."""

from typing import Any

import click
import httpx
import orjson

from ioc.clock import SystemClock, rfc3339
from ioc.errors import IocError
from ioc.settings import Settings
from ioc.store import Store
from ioc.store.snapshot import take

_PATIENCE_S = 300.0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def command(as_json: bool) -> None:
    """Take a snapshot of the store and put it in use; the running centre takes it when there is one."""
    settings = Settings.from_environment()
    told = _of_the_centre(settings) or _of_the_store(settings)
    if as_json:
        click.echo(orjson.dumps(told).decode())
        return
    click.echo(
        f"Snapshot of {told['taken_at']}: {told['size_bytes'] / 1e6:.1f} MB in {told['took_s']:.2f} s, {told['path']}"
    )


def _of_the_centre(settings: Settings) -> dict[str, Any] | None:
    """Have the running centre take a snapshot; return None when none runs. Raises IocError when it fails."""
    address = f"http://127.0.0.1:{settings.http_port}/api/v1/lab/snapshot"
    headers = {"Authorization": f"Bearer {settings.admin_token()}"}
    try:
        answer = httpx.post(address, headers=headers, timeout=_PATIENCE_S)
    except httpx.ConnectError:
        return None
    except httpx.HTTPError as fault:
        raise IocError(f"The centre does not answer at {address}: {fault}.") from fault
    body = answer.json()
    if answer.status_code != 200:
        raise IocError(str(body.get("detail", f"The centre answered {answer.status_code}.")))
    taken: dict[str, Any] = body["taken"]
    return taken


def _of_the_store(settings: Settings) -> dict[str, Any]:
    if not settings.store_path.exists():
        raise IocError(f"There is no store at {settings.store_path} yet.")
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
