"""The parts of a running lab that its routes speak for."""

from collections.abc import Callable
from dataclasses import dataclass

from ioc.clock import Clock
from ioc.lab.job_process import JobProcess
from ioc.lab.quack.service import QuackService
from ioc.lab.sql_service import SqlService
from ioc.reports.sending_log import Send
from ioc.settings import Settings
from ioc.store.snapshot import Snapshot


@dataclass(frozen=True)
class LabParts:
    """Everything `create_lab_app` needs. `snapshot` gives the raw one in use; `beside` reckons over it in a process of
    its own; `send` brings issues of reports out by a channel, None sends nothing;
    `reporting` makes reports, which take long, where these must not keep others waiting (None: `beside` makes them);
    `asking` is the SQL side, `quack` the door for DuckDB's own protocol; None without."""

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
