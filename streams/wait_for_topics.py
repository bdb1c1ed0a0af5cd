"""What a worker asks the broker before it begins: whether the topics are there, and the shortest session."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from ioc import topics
from ioc.errors import ConfigurationInvalid
from ioc.settings import Settings
from streams.agent_output import Limits, limits_of
from streams.app import credentials

SESSION_TIMEOUT_S = 2.4  # the others notice with their next heartbeat, half a second later, and flow within 3 s
_LEAST_SESSION = "group.min.session.timeout.ms"
_LARGEST = "max.message.bytes"
_LEAST_SESSION_BY_DEFAULT_MS = 6_000
_NEEDED = frozenset({*topics.OUTPUT_OF, *topics.OUTPUT_OF.values(), topics.DEAD_LETTERS})
_PAUSE_S = 0.3
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Broker:
    """Its bootstrap address, the session timeout to ask for, and how large messages may be."""

    bootstrap: str
    session_timeout_s: float
    limits: Limits


async def await_topics(settings: Settings) -> Broker:
    """Wait until a broker answers and has the topics.

    Says once what it waits for, and once again when that changes.
    """
    said = bootstrap = ""
    while True:
        try:
            bootstrap = settings.bootstrap()
            missing, least_session_s, limits = await _ask(bootstrap, settings.security)
            waiting = f"The broker has no topic {', '.join(sorted(missing))}." if missing else ""
        except ConfigurationInvalid as fault:  # no address yet
            waiting = str(fault)
        except (TimeoutError, KafkaError, OSError) as fault:
            waiting = f"The broker at {bootstrap} does not answer: {fault}."
        if not waiting:
            return Broker(bootstrap, max(SESSION_TIMEOUT_S, least_session_s), limits)
        if waiting != said:
            _log.warning(f"Waiting. {waiting}")
            said = waiting
        await asyncio.sleep(_PAUSE_S)


async def _ask(bootstrap: str, security: Mapping[str, str]) -> tuple[set[str], float, Limits]:
    client = AIOKafkaAdminClient(
        bootstrap_servers=bootstrap.split(","),
        request_timeout_ms=5_000,
        **credentials_to_aiokafka_auth(credentials(security), None),
    )
    await client.start()
    try:
        missing = set(_NEEDED - set(await client.list_topics()))
        return missing, await _least_session_s(client), await _limits(client)
    finally:
        await client.close()


async def _least_session_s(client: Any) -> float:
    """The broker's `group.min.session.timeout.ms`; Kafka's own default where the broker does not tell."""
    cluster = await client.describe_cluster()
    broker = cluster["brokers"][0]["node_id"]
    resource = ConfigResource(ConfigResourceType.BROKER, str(broker), {_LEAST_SESSION: ""})
    try:
        [response] = await client.describe_configs([resource])
        return float(response.resources[0][4][0][1]) / 1000
    except (KafkaError, IndexError, TypeError, ValueError):
        return _LEAST_SESSION_BY_DEFAULT_MS / 1000


async def _limits(client: Any) -> Limits:
    """Return the limits of the topics that the agents write; the defaults where the broker does not say."""
    written = (*topics.OUTPUT_OF.values(), topics.DEAD_LETTERS)
    largest: dict[str, int] = {}
    for topic in written:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {_LARGEST: ""})
        try:
            [response] = await client.describe_configs([resource])
            largest[topic] = int(response.resources[0][4][0][1])
        except (KafkaError, IndexError, TypeError, ValueError):
            largest[topic] = topics.MAX_BATCH_BYTES
    return limits_of(min(largest[output] for output in topics.OUTPUT_OF.values()), largest[topics.DEAD_LETTERS])
