"""`ioc lab`: run the lab, the analysts' part of the centre, in a process of its own."""

import logging

import click

from ioc.clock import SystemClock
from ioc.lab.app import create_lab_app
from ioc.lab.context import LabContext
from ioc.lab.cpu_priority import step_back_later
from ioc.lab.job_process import MAX_REPORT_S, JobProcess
from ioc.lab.publishing.publish import MINUTES, published_dir
from ioc.lab.quack.service import QuackService
from ioc.lab.server import serve
from ioc.lab.sql_service import SqlService
from ioc.server.report_sender import report_sender
from ioc.settings import Settings
from ioc.store.snapshot import current

_NICENESS = 10
"""The lab and its processes get the processor after all others of the centre."""


_FULL_SHARE_S = 6.0
"""Time after the start with full priority: users wait for the start, and a tenth of a busy processor makes it ten times
as long."""


@click.command()
def command() -> None:
    """Run the lab: SQL, explorer, reports and open data over snapshots of the store.

    It listens on a socket to which `ioc serve` forwards requests.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = Settings.from_environment()
    clock = SystemClock()
    asking = SqlService.of(settings, clock)
    parts = LabContext(
        settings,
        clock,
        lambda: current(settings.snapshots_dir),
        JobProcess(),
        report_sender(settings.channels_path),
        asking,
        QuackService(settings, clock, asking.published_path, published_dir(settings) / MINUTES),
        reporting=JobProcess(longest_s=MAX_REPORT_S),
    )
    app = create_lab_app(parts)
    step_back_later(_NICENESS, _FULL_SHARE_S)
    serve(app, settings.lab_socket)
