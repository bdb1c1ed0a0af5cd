"""The program of a confined process: one question at a time on standard input, answers on standard output.

Both are JSON, one object per line. In: `{"ask": "query"|"check"|"plan", "database", "sql", "parameters", "rows",
"bytes", "result"}`. Out: `{"progress": 0.4}` any number of times, then `{"done": …}` or `{"failed": {message, line,
column, kind}}`. A result is written to the file `result` in its own folder, as an Arrow IPC stream.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import orjson

from ioc.supervisor.no_pandas import keep_pandas_out

PROGRESS_EVERY_S = 0.25
_BATCH_ROWS = 8192
THREADS = 2
"""Per query: a scan of a year uses two processors where they are free."""


@dataclass(frozen=True)
class WorkerSettings:
    """Paths and limits of a worker.

    `published` is all it can read besides programs, `work` the only folder it can write.
    """

    published: Path
    minutes: Path
    work: Path
    zone: ZoneInfo
    memory_mb: int
    spill_mb: int

    def to_json(self) -> str:
        return orjson.dumps({**self.__dict__, "published": str(self.published), "minutes": str(self.minutes),
            "work": str(self.work), "zone": self.zone.key}).decode()  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> WorkerSettings:
        given = orjson.loads(text)
        return cls(
            Path(given["published"]),
            Path(given["minutes"]),
            Path(given["work"]),
            ZoneInfo(given["zone"]),
            given["memory_mb"],
            given["spill_mb"],
        )


def main() -> None:
    keep_pandas_out()
    settings = WorkerSettings.from_json(sys.argv[1])
    with os.fdopen(os.dup(0), "rb") as questions, os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        os.environ.clear()
        os.chdir(settings.work)
        missing = _confine(settings)
        _send(answers, {"ready": missing})
        SandboxWorker(settings, answers).run(questions)


def _confine(settings: WorkerSettings) -> list[str]:
    # Import before confinement; later imports read the folders of programs.
    import duckdb
    import pyarrow  # noqa: F401

    from ioc.lab.confinement import Confinement, confine

    duckdb.connect().execute("SELECT 1").fetchall()
    programs = {Path(path) for path in (sys.prefix, sys.base_prefix, "/usr", "/lib", "/lib64", "/etc/localtime")}
    programs |= {Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")}  # DuckDB reads container limits there
    return confine(
        Confinement(
            readable=[*programs, Path(__file__).parents[2], settings.published],
            writable=[settings.work],
            memory_bytes=(settings.memory_mb * 3 + 1600) << 20,
            file_bytes=settings.spill_mb << 20,
        )
    )


class SandboxWorker:
    """Answers questions; keeps the database of the last question open for the next."""

    def __init__(self, settings: WorkerSettings, answers: BinaryIO) -> None:
        self._settings = settings
        self._answers = answers
        self._telling = threading.Lock()
        self._open: tuple[str, Any] | None = None

    def run(self, questions: BinaryIO) -> None:
        """Answer questions until standard input ends."""
        from ioc.lab.sandbox.faults import fault_of, is_out_of_memory

        for line in questions:
            question = orjson.loads(line)
            try:
                answer = {"done": self._answer(question)}
            except Exception as fault:  # noqa: BLE001 - no fault of one question ends the process without a word
                kind = "too_large" if isinstance(fault, TooLarge) else "memory" if is_out_of_memory(fault) else "sql"
                answer = {"failed": fault_of(fault, question["sql"]) | {"kind": kind}}
            self._send(answer)

    def _answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        from ioc.lab.sandbox.statement import read_statement
        from ioc.lab.sandbox.values import bound

        connection = self._database(question["database"])
        statement = read_statement(connection, question["sql"])
        if question["ask"] == "check":
            # Without values a statement is bound as far as possible: names and types of what needs no parameter.
            if not statement.parameters:
                connection.execute(
                    f"EXPLAIN {statement.sql}" if not _explains(statement.sql) else statement.sql
                ).fetchall()
            return {"parameters": sorted(statement.parameters)}
        values = bound(statement.parameters, question["parameters"], self._settings.zone)
        if question["ask"] == "plan":
            if _explains(statement.sql):
                plan = connection.execute(statement.sql, values or None).fetchall()
            else:
                plan = connection.execute(f"EXPLAIN {statement.sql}", values or None).fetchall()
            return {"plan": "\n".join(str(row[-1]) for row in plan)}
        return self._query(connection, statement.sql, values, question)

    def _query(self, connection: Any, sql: str, values: dict[str, Any], question: Mapping[str, Any]) -> dict[str, Any]:
        import pyarrow as pa

        from ioc.lab.sandbox.wide_columns import wide_columns

        began_s = time.monotonic()
        done = threading.Event()
        watch = threading.Thread(target=self._watch, args=(connection, done), daemon=True)
        watch.start()
        path, most_rows, most_bytes = self._settings.work / question["result"], question["rows"], question["bytes"]
        rows, is_truncated = 0, False
        try:
            wide = wide_columns(connection, sql, values)
            cursor = connection.execute(wide.sql if wide else sql, values or None)
            types = wide.types if wide else [str(column[1]) for column in cursor.description or []]
            with cursor.to_arrow_reader(_BATCH_ROWS) as reader, path.open("wb") as sink:
                names = _unique(reader.schema.names)
                schema = pa.schema([field.with_name(name) for field, name in zip(reader.schema, names, strict=True)])
                with pa.ipc.new_stream(sink, schema) as stream:
                    for batch in reader:
                        left = most_rows - rows
                        is_truncated = batch.num_rows > left
                        batch = batch.slice(0, left) if is_truncated else batch
                        stream.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
                        rows += batch.num_rows
                        if sink.tell() > most_bytes:
                            raise TooLarge(most_bytes)
                        if is_truncated:
                            break
        except BaseException as fault:
            path.unlink(missing_ok=True)
            if isinstance(fault, OSError) and fault.errno == errno.EFBIG:
                raise TooLarge(most_bytes) from fault
            raise
        finally:
            done.set()
            watch.join()
        return {
            "columns": [{"name": name, "type": kind} for name, kind in zip(names, types, strict=True)],
            "row_count": rows,
            "truncated": is_truncated,
            "elapsed_ms": round((time.monotonic() - began_s) * 1000, 1),
            "size_bytes": path.stat().st_size,
        }

    def _database(self, path: str) -> Any:
        import duckdb

        if self._open is not None and self._open[0] == path:
            return self._open[1]
        if self._open is not None:
            self._open[1].close()
        connection = duckdb.connect(path, read_only=True, config=self._config())
        for setting in (
            f"SET TimeZone = '{self._settings.zone.key}'",
            "SET enable_progress_bar = true",
            "SET enable_progress_bar_print = false",
            f"SET allowed_directories = ['{str(self._settings.minutes).replace(chr(39), chr(39) * 2)}']",
            "SET enable_external_access = false",
            "SET lock_configuration = true",
        ):
            connection.execute(setting)
        self._open = path, connection
        return connection

    def _config(self) -> dict[str, Any]:
        return {
            "threads": THREADS,
            "memory_limit": f"{self._settings.memory_mb}MB",
            "temp_directory": str(self._settings.work / "spill"),
            "max_temp_directory_size": f"{self._settings.spill_mb}MB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
            "python_enable_replacements": False,
            "errors_as_json": True,
            "max_expression_depth": 250,
        }

    def _watch(self, connection: Any, done: threading.Event) -> None:
        while not done.wait(PROGRESS_EVERY_S):
            percent = connection.query_progress()
            if percent >= 0:
                self._send({"progress": round(percent / 100, 3)})

    def _send(self, message: dict[str, Any]) -> None:
        with self._telling:
            _send(self._answers, message)


class TooLarge(Exception):
    """The result exceeds its limit of bytes."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"The result is larger than {most_bytes >> 20} MB; ask for fewer rows or columns.")


def _explains(sql: str) -> bool:
    return sql.lstrip().lower().startswith("explain")


def _unique(names: list[str]) -> list[str]:
    """Return column names made unique: `n`, `n_1`."""
    taken: set[str] = set()
    apart = []
    for name in names:
        unique, number = name, 0
        while unique in taken:
            number += 1
            unique = f"{name}_{number}"
        taken.add(unique)
        apart.append(unique)
    return apart


def _send(answers: BinaryIO, message: dict[str, Any]) -> None:
    answers.write(orjson.dumps(message) + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
