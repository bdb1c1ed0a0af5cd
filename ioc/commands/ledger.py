"""`ioc ledger`: show that every received record was applied, refused or is in flight."""

from typing import Any

import click
import orjson

from ioc.commands.centre_client import call_centre
from ioc.messages import Message
from ioc.settings import Settings
from ioc.terminal import in_language

_ARCHIVE_WITHIN_S = 3600.0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@click.option("--archive", is_flag=True, help="first compare every file of the archive with its digest")
def command(as_json: bool, archive: bool) -> None:
    """Show the ledger of the running centre.

    The exit code is 1 when it does not balance or the archive is damaged.
    """
    settings = Settings.from_environment()
    verified = call_centre(settings, "POST", "/api/v1/ledger/archive", timeout_s=_ARCHIVE_WITHIN_S) if archive else None
    ledger = call_centre(settings, "GET", "/api/v1/ledger")
    if verified is not None:
        ledger["archive"] = verified
    click.echo(orjson.dumps(ledger) if as_json else "\n".join([*_lines(ledger), *_archive_lines(verified)]))
    if not ledger["balanced"] or (verified is not None and verified["faults"]):
        raise click.exceptions.Exit(1)


def _archive_lines(verified: dict[str, Any] | None) -> list[str]:
    if verified is None:
        return []
    code = "archive_read_damaged" if verified["faults"] else "archive_read_intact"
    size_mb = f"{verified['size_bytes'] / 1e6:,.0f}"
    return [in_language(Message(code, files=f"{verified['files']:,}", size=size_mb))]


def _lines(ledger: dict[str, Any]) -> list[str]:
    columns = ("source", "received", "applied", "duplicate", "rejected", "in_flight")
    heads = tuple(in_language(Message(f"column_{name}")) for name in columns)
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
        in_language(Message("ledger_gap", topic=partition["topic"], partition=partition["partition"], gap=str(gap)))
        for partition in ledger["partitions"]
        for gap in partition["gaps"]
    ]
    return [
        *lines,
        *gaps,
        *(in_language(Message.of_shape(fault) or Message.of(fault["detail"])) for fault in ledger["coded_faults"]),
        in_language(Message("ledger_balances" if ledger["balanced"] else "ledger_unbalanced")),
    ]
