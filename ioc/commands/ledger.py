"""`ioc ledger`: does everything that came in stand somewhere?"""

from typing import Any

import click
import httpx
import orjson

from ioc.errors import IocError
from ioc.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def command(as_json: bool) -> None:
    """Show the ledger of the running centre; exit code 1 if it does not balance."""
    settings = Settings.from_environment()
    address = f"http://127.0.0.1:{settings.http_port}/api/v1/ledger"
    try:
        answer = httpx.get(address, headers={"Authorization": f"Bearer {settings.admin_token()}"}, timeout=30)
        answer.raise_for_status()
    except httpx.HTTPError as fault:
        raise IocError(f"The centre does not answer at {address}: {fault}.") from fault
    ledger = answer.json()
    click.echo(orjson.dumps(ledger) if as_json else "\n".join(_lines(ledger)))
    if not ledger["balanced"]:
        raise click.exceptions.Exit(1)


def _lines(ledger: dict[str, Any]) -> list[str]:
    heads = ("source", "received", "applied", "duplicate", "rejected", "in flight")
    rows = [
        (
            source["source"],
            *(f"{n:,}" for n in (source["received"], source["applied"], source["duplicate"])),
            f"{sum(source['rejected'].values()):,}",
            f"{source['in_flight']:,}",
        )
        for source in ledger["sources"]
    ]
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    lines = [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in [heads, *rows]
    ]
    gaps = [
        f"gap in {partition['topic']} partition {partition['partition']}: {gap}"
        for partition in ledger["partitions"]
        for gap in partition["gaps"]
    ]
    return [*lines, *gaps, "The ledger balances." if ledger["balanced"] else "THE LEDGER DOES NOT BALANCE."]
