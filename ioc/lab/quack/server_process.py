"""The program of a Quack server process: DuckDB over the published lab, read-only, locked, in a sandbox.

Reads one line of JSON, {lab, minutes, folder, zone, port, secret, memory_mb}; prints `ready` or one sentence; then
serves until it is killed.
"""

import os
import signal
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import duckdb
import orjson

from ioc.errors import IocError
from ioc.lab.confinement import Confinement, confine
from ioc.lab.quack import extensions

# Rows that a client fetches at once: 12 chunks of 2048.
_PIECES = 12
_SPILL_MB = 512
# DuckDB's libraries and threads reserve address space that they do not use.
_ADDRESSES_MB = 2600


@dataclass(frozen=True)
class QuackServerOrder:
    """Settings of the process.

    `lab` is the published file, `minutes` the folder of day files that its views read, `folder` its only writable
    folder.
    """

    lab: str
    minutes: str
    folder: str
    zone: str
    port: int
    secret: str
    memory_mb: int


def confine_process(order: QuackServerOrder) -> None:
    """Confine the process, before DuckDB starts threads that would keep their rights."""
    programs = {Path(path) for path in (sys.prefix, sys.base_prefix, "/usr", "/lib", "/lib64", "/etc/localtime")}
    programs |= {Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")}  # DuckDB reads container limits there
    own = Path(__file__).parents[2]
    confine(
        Confinement(
            readable=[*programs, own, *extensions.files(), Path(order.lab), Path(order.minutes)],
            writable=[Path(order.folder)],
            memory_bytes=(order.memory_mb * 3 + _ADDRESSES_MB) << 20,
            file_bytes=_SPILL_MB << 20,
            serves=True,
        )
    )


def serve(order: QuackServerOrder) -> duckdb.DuckDBPyConnection:
    """Start the server; it ends with the returned connection.

    Raises duckdb.Error, IocError.
    """
    folder = Path(order.folder)
    guard = folder / "guard.duckdb"
    with duckdb.connect(str(guard), config={"threads": 1}) as connection:
        connection.execute((files("ioc.lab.quack") / "guard.sql").read_text())
    connection = duckdb.connect(
        order.lab,
        read_only=True,
        config={
            "threads": 2,
            "memory_limit": f"{order.memory_mb}MB",
            "temp_directory": str(folder / "spill"),
            "max_temp_directory_size": f"{_SPILL_MB}MB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
            "python_enable_replacements": False,
            "max_expression_depth": 250,
        },
    )
    for extension in extensions.files():
        connection.execute(f"LOAD '{extension}'")
    for setting in (
        f"ATTACH {_quoted(str(guard))} AS guard (READ_ONLY)",
        f"SET GLOBAL TimeZone = {_quoted(order.zone)}",
        "SET GLOBAL quack_authorization_function = 'guard.main.what_runs'",
        f"SET GLOBAL quack_fetch_batch_chunks = {_PIECES}",
        f"CALL quack_serve('quack:127.0.0.1:{order.port}', token => {_quoted(order.secret)})",
        f"SET allowed_directories = [{_quoted(order.minutes)}]",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ):
        connection.execute(setting).fetchall()
    return connection


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def main() -> None:
    order = QuackServerOrder(**orjson.loads(sys.stdin.readline()))
    os.environ.clear()
    os.chdir(order.folder)
    try:
        confine_process(order)
        connection = serve(order)
    except (duckdb.Error, IocError, OSError) as fault:
        print(str(fault).splitlines()[0], flush=True)
        sys.exit(1)
    print("ready", flush=True)
    signal.pause()
    connection.close()


if __name__ == "__main__":
    main()
