"""Analysts' queries: queue them, run each in a confined process, keep results on disk, enforce limits."""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import Any

from ioc.clock import Clock
from ioc.fault_register import FaultRegister
from ioc.lab.fair_queue import FairQueue
from ioc.lab.processor_time import within
from ioc.lab.publishing.publish import Publication
from ioc.lab.query import NothingPublished, Query, QueryLimits, State
from ioc.lab.sandbox.faults import error_shape
from ioc.lab.sandbox.process import Sandbox, SandboxEnded
from ioc.lab.sandbox.worker import WorkerSettings
from ioc.messages import Message
from ioc.periodic_task import PeriodicTask

log = logging.getLogger("ioc.lab")
AT_ONCE = 2
IDLE_S = 300.0
RESULTS_KEPT = timedelta(minutes=30)
_CHECK_SECONDS = 5.0
_SWEEP_EVERY_S = 20.0


class Queries:
    """All queries of the lab.

    `published` returns the publication to query; `noted` is called with each query that has ended. Results are kept in
    the folder `results` beside the workers' own.
    """

    def __init__(
        self,
        worker: WorkerSettings,
        published: Callable[[], Publication | None],
        noted: Callable[[Query], None],
        clock: Clock,
        limits: QueryLimits = QueryLimits(),  # noqa: B008 - frozen
        faults: FaultRegister | None = None,
    ) -> None:
        self.limits = limits
        self.counts: Counter[str] = Counter()
        self._results = worker.work.with_name("results")
        self._published = published
        self._noted = noted
        self._clock = clock
        self._turns: FairQueue[Query] = FairQueue()
        self._known: dict[str, Query] = {}
        self._sandboxes = [Sandbox(replace(worker, work=worker.work / f"{n}")) for n in range(AT_ONCE + 1)]
        self._quick = self._sandboxes.pop()
        self._quick_turn = asyncio.Lock()
        self._busy: dict[Sandbox, Query] = {}
        self._idle_since: dict[Sandbox, float] = {}
        self._sweeping = PeriodicTask("lab-sweep", self._sweep, _SWEEP_EVERY_S, faults)

    def start(self) -> None:
        """Remove what an earlier lab left behind and start the housekeeping."""
        shutil.rmtree(self._results, ignore_errors=True)
        self._results.mkdir(parents=True, mode=0o700)
        self._sweeping.start(after_s=_SWEEP_EVERY_S)

    async def close(self) -> None:
        await self._sweeping.close()
        while self._turns.take(()) is not None:
            pass
        for query in list(self._busy.values()):
            await self.cancel(query)
        for sandbox in (*self._sandboxes, self._quick):
            await sandbox.end()

    @property
    def running(self) -> int:
        return len(self._busy)

    @property
    def waiting(self) -> int:
        return len(self._turns)

    @property
    def missing(self) -> list[str]:
        """Return the confinement layers that this system lacks, as reported by processes so far."""
        return sorted({sentence for one in (*self._sandboxes, self._quick) for sentence in one.missing})

    def processes(self) -> list[int]:
        return [pid for one in (*self._sandboxes, self._quick) if (pid := one.pid) is not None]

    def process_of(self, query: Query) -> int | None:
        """Return the id of the process that runs a query; None when it is not running."""
        return next((sandbox.pid for sandbox, one in self._busy.items() if one is query), None)

    def submit(self, person: str, sql: str, parameters: dict[str, Any], *, rows: int, name: str = "") -> Query:
        """Queue a query.

        Raises QueueFull, NothingPublished.
        """
        self._newest()
        query = Query(
            secrets.token_urlsafe(12), person, sql, parameters, min(rows, self.limits.rows), self._clock.now(), name
        )
        self._turns.put(person, query)
        self._known[query.id] = query
        self._start_waiting()
        return query

    def named(self, query_id: str, person: str) -> Query:
        """Return a person's query by its id.

        Raises KeyError when the person has no such query.
        """
        query = self._known[query_id]
        if query.person != person:
            raise KeyError(query_id)
        return query

    def ahead_of(self, query: Query) -> int:
        return self._turns.ahead_of(query) if query.state is State.WAITING else 0

    async def cancel(self, query: Query) -> None:
        """Cancel a query: end the process of a running one, drop the result of a finished one."""
        if self._turns.remove(query):
            self._end(query, State.CANCELLED, None, "")
        elif query.work is not None and not query.ended.is_set():
            await asyncio.sleep(0)  # cancelling a task that has not begun would end it without a trace
            query.work.cancel()
            await query.ended.wait()
        elif query.result is not None:
            self._drop_result(query)

    async def check(self, sql: str, ask: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Check or plan a statement without running it.

        `ask` is `check` or `plan`; returns the worker's answer. Raises SandboxEnded, NothingPublished.
        """
        question = self._question(sql, parameters, ask, 0, "")
        async with self._quick_turn:
            await self._quick.ready()
            try:
                return await within(_CHECK_SECONDS, self._quick.processor_s, self._quick.ask(question))
            except TimeoutError as fault:
                await self._quick.end()
                raise SandboxEnded(Message("look_limit", fault=fault.args[0])) from None
            except asyncio.CancelledError:
                await self._quick.end()
                raise
            finally:
                self._idle_since[self._quick] = monotonic()

    def _newest(self) -> Publication:
        found = self._published()
        if found is None:
            raise NothingPublished(Message("nothing_published"))
        return found

    def _question(self, sql: str, parameters: dict[str, Any], ask: str, rows: int, result: str) -> dict[str, Any]:
        return {
            "ask": ask,
            "database": str(self._newest().path),
            "sql": sql,
            "parameters": parameters,
            "rows": rows,
            "bytes": self.limits.bytes,
            "result": result,
        }

    def _start_waiting(self) -> None:
        """Give free processes to waiting queries."""
        while free := [one for one in self._sandboxes if one not in self._busy]:
            # Returns at once when the process already runs.
            sandbox = next((one for one in free if one.is_running), free[0])
            taken = self._turns.take({query.person for query in self._busy.values()})
            if taken is None:
                return
            query = taken[1]
            self._busy[sandbox] = query
            query.state, query.began_s = State.RUNNING, monotonic()
            query.work = asyncio.create_task(self._run(sandbox, query))

    async def _run(self, sandbox: Sandbox, query: Query) -> None:
        try:
            await self._ask(sandbox, query)
        except asyncio.CancelledError:
            await sandbox.end()
            self._end(query, State.CANCELLED, None, "")
        except Exception as fault:  # whatever happens, nobody may wait for a query that never ends
            log.exception("A query of %s could not be run", query.person)
            await sandbox.end()
            self._fail(query, Message("query_not_run", reason=type(fault).__name__), "process")
        finally:
            del self._busy[sandbox]
            self._idle_since[sandbox] = monotonic()
            self._start_waiting()

    async def _ask(self, sandbox: Sandbox, query: Query) -> None:
        def on_progress(progress: float) -> None:
            query.progress = progress

        try:
            newest = self._newest()
            question = self._question(query.sql, query.parameters, "query", query.rows, f"{query.id}.arrow")
            await sandbox.ready()
            query.began_s = monotonic()
            answer = await within(self.limits.seconds, sandbox.processor_s, sandbox.ask(question, on_progress))
        except TimeoutError as fault:
            await sandbox.end()
            self._fail(query, Message("query_ended", fault=fault.args[0]), "time")
            return
        except (SandboxEnded, NothingPublished) as fault:
            await sandbox.end()
            self._fail(query, Message("query_broke", fault=fault.message), "process")
            return
        if failed := answer.get("failed"):
            self._end(
                query, State.FAILED, {name: value for name, value in failed.items() if name != "kind"}, failed["kind"]
            )
            return
        done = answer["done"]
        query.columns, query.row_count, query.truncated = done["columns"], done["row_count"], done["truncated"]
        query.taken_at = newest.taken_at
        query.result = self._results / f"{query.id}.arrow"
        try:
            (sandbox.settings.work / f"{query.id}.arrow").rename(query.result)
        except OSError as fault:
            self._fail(query, Message("result_not_kept", reason=fault.strerror or str(fault)), "process")
            return
        self._end(query, State.DONE, None, "")

    def _fail(self, query: Query, message: Message, kind: str) -> None:
        self._end(query, State.FAILED, error_shape(message), kind)

    def _end(self, query: Query, state: State, error: dict[str, Any] | None, kind: str) -> None:
        if query.began_s:
            query.elapsed_ms = (monotonic() - query.began_s) * 1000
        query.state, query.error, query.kind, query.ended_at = state, error, kind, self._clock.now()
        self.counts[state if not kind else f"{state}_{kind}"] += 1
        query.ended.set()
        try:
            self._noted(query)
        except Exception:  # a history that cannot be written must not fail the query
            log.exception("A query of %s is not in the history", query.person)

    async def _sweep(self) -> None:
        """End idle processes and drop old results."""
        for sandbox, since in list(self._idle_since.items()):
            is_free = sandbox not in self._busy and not (sandbox is self._quick and self._quick_turn.locked())
            if is_free and monotonic() - since > IDLE_S:
                await sandbox.end()
                self._idle_since.pop(sandbox, None)
        now = self._clock.now()
        for query in list(self._known.values()):
            if query.ended_at is not None and now - query.ended_at > RESULTS_KEPT:
                self._known.pop(query.id, None)
                self._drop_result(query)

    def _drop_result(self, query: Query) -> None:
        """Delete the result and the files rendered from it."""
        query.result = None
        for path in self._results.glob(f"{query.id}.*"):
            with suppress(OSError):
                path.unlink()
