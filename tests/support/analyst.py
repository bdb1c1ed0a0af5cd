"""An analyst's own Python with nothing but the package `duckdb` and its extensions, in a process of its own."""

import json
import subprocess
import sys
from typing import Any

_PROGRAM = """
import duckdb, json, sys
from importlib.resources import files
connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
connection.execute("SET enable_progress_bar = false")
for name in ("httpfs", "quack"):
    folder = files(f"duckdb_extension_{name}") / "extensions" / f"v{duckdb.__version__}"
    connection.execute(f"LOAD '{folder / (name + '.duckdb_extension')}'")
assert not any(name.startswith("ioc") for name in sys.modules)
for line in sys.stdin:
    try:
        rows = connection.execute(json.loads(line)).fetchmany(1000)
        print(json.dumps({"rows": rows}, default=str), flush=True)
    except Exception as fault:
        print(json.dumps({"error": str(fault)}), flush=True)
"""


class Failed(Exception):
    """DuckDB's words."""


class Analyst:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def attach(self, address: str, token: str) -> None:
        """Raises Failed."""
        self.run(f"ATTACH 'quack:{address}' AS ioc (TOKEN '{token}')")

    def run(self, sql: str) -> list[list[Any]]:
        """In the analyst's own DuckDB. Raises Failed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(sql) + "\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        if "error" in said:
            raise Failed(said["error"])
        rows: list[list[Any]] = said["rows"]
        return rows

    def ask(self, sql: str) -> list[list[Any]]:
        """In the lab. Raises Failed."""
        return self.run("FROM ioc.query('" + sql.replace("'", "''") + "')")

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
