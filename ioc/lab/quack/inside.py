"""What runs in a Quack server's process: DuckDB over the published lab, read-only, locked, behind a sandbox.

One line of JSON comes in, {lab, folder, port, secret, memory_mb}; `ready` or one sentence goes out; then it serves
until it is killed.
"""

import signal
import sys
from importlib.resources import files
from pathlib import Path

import duckdb
import orjson

from ioc.errors import IocError
from ioc.lab.quack import extensions

# Rows a client fetches at once: 12 pieces of 2048.
_PIECES = 12


def serve(lab: Path, folder: Path, port: int, secret: str, memory_mb: int) -> duckdb.DuckDBPyConnection:
    """Raises duckdb.Error, IocError. The server ends with the connection."""
    needed = extensions.files()
    guard = folder / "guard.duckdb"
    with duckdb.connect(str(guard)) as connection:
        connection.execute((files("ioc.lab.quack") / "guard.sql").read_text())
    connection = duckdb.connect(
        str(lab),
        read_only=True,
        config={
            "threads": 1,
            "memory_limit": f"{memory_mb}MB",
            "temp_directory": str(folder / "temp"),
            "max_temp_directory_size": "1GB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
        },
    )
    for extension in needed:
        connection.execute(f"LOAD '{extension}'")
    connection.execute(f"ATTACH '{guard}' AS guard (READ_ONLY)")
    connection.execute("SET GLOBAL quack_authorization_function = 'guard.main.only_reads'")
    connection.execute(f"SET GLOBAL quack_fetch_batch_chunks = {_PIECES}")
    connection.execute("CALL quack_serve(?, token => ?)", [f"quack:127.0.0.1:{port}", secret]).fetchall()
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def main() -> None:
    order = orjson.loads(sys.stdin.readline())
    try:
        connection = serve(
            Path(order["lab"]), Path(order["folder"]), order["port"], order["secret"], order["memory_mb"]
        )
    except (duckdb.Error, IocError) as fault:
        sys.exit(print(str(fault).splitlines()[0], flush=True))
    print("ready", flush=True)
    signal.pause()
    connection.close()


if __name__ == "__main__":
    main()
