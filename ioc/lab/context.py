"""The parts of a running lab that its routes need, in one object per process."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from ioc.clock import Clock
from ioc.lab.job_process import JobProcess
from ioc.lab.quack.service import QuackService
from ioc.lab.sql_service import SqlService
from ioc.reports.sending_log import Send
from ioc.settings import Settings
from ioc.store.snapshot import Snapshot


@dataclass(frozen=True)
class LabContext:
    """Everything `create_lab_app` needs. Routes receive it as a parameter of type `Lab`.

    - `snapshot()`: the raw snapshot in use; None before the first one.
    - `beside`: the process that runs the explorer's computations.
    - `send`: sends issues of reports through a channel; None sends nothing.
    - `asking`: the SQL side; None for a lab without SQL.
    - `quack`: serves DuckDB's own protocol; None where it is not served.
    - `reporting`: the process that makes reports, which take long; None leaves them to `beside`.
    """

    settings: Settings
    clock: Clock
    snapshot: Callable[[], Snapshot | None]
    beside: JobProcess
    send: Send | None = None
    asking: SqlService | None = None
    quack: QuackService | None = None
    reporting: JobProcess | None = None

    @property
    def for_reports(self) -> JobProcess:
        """The process that makes reports."""
        return self.reporting or self.beside


async def get_lab_context(connection: HTTPConnection) -> LabContext:
    """Return the context that `create_lab_app` was given."""
    context: LabContext = connection.app.state.context
    return context


async def get_sql_service(connection: HTTPConnection) -> SqlService:
    """Return the SQL side. Its routes exist only in a lab that has one."""
    context: LabContext = connection.app.state.context
    assert context.asking is not None
    return context.asking


Lab = Annotated[LabContext, Depends(get_lab_context)]
Sql = Annotated[SqlService, Depends(get_sql_service)]
