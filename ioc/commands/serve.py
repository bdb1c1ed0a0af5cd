"""`ioc serve`: historian, KPIs, alerts, API and wall in one process, the only one that opens the store."""

import logging
import sys
from collections.abc import Mapping
from typing import Any

import click

from ioc.api.app import create_app
from ioc.api.auth.proxies import TrustedProxies
from ioc.api.server import serve, warm
from ioc.clock import SystemClock
from ioc.commands.doctor import examine_centre
from ioc.errors import StoreDamaged
from ioc.model.fault import Fault
from ioc.private_files import check_private
from ioc.server.process import ServerProcess
from ioc.server.stand_in import stand_in, store_opens
from ioc.server.topics_ready import await_topics
from ioc.settings import Settings

SWITCH_S = 0.0005
"""How long a thread that wants to answer waits for one that computes, at each of its steps; with Python's own 5 ms a
start takes seconds longer."""


@click.command()
def command() -> None:
    """Run the historian, the KPI evaluation, alerts, the API with its websocket, and the pages."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # A broker that is away is a state; the parts that need it report it once.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    sys.setswitchinterval(SWITCH_S)
    settings = Settings.from_environment()
    proxies = TrustedProxies(settings.trusted_proxies)
    check_private(settings.data_dir)
    await_topics(settings)
    try:
        server = ServerProcess(settings, lambda: [finding.shape() for finding in examine_centre(settings)])
    except StoreDamaged as failure:
        fault = Fault.of("store_damaged", SystemClock().now(), reason=str(failure))
        stand_in(settings, fault, lambda: store_opens(settings))
        return  # the store opens again, or the process shall end; its supervisor starts it again in the first case
    app = create_app(server.api, _describe_lab)
    warm(app)
    with server:
        serve(app, settings.http_host, settings.http_port, trusted=proxies, metrics=server.api.metrics)


def _describe_lab() -> Mapping[str, Any]:
    from ioc.lab.app import describe  # only a reader of /openapi.json needs the lab's routes

    return describe()
