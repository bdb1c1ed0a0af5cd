"""Wait for the broker and its topics, and read from it the shortest session and the largest message."""

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
from streams.agent_output import MessageLimits, message_limits
from streams.app import credentials

SESSION_TIMEOUT_S = 2.4  # the others notice with their next heartbeat, half a second later, and flow within 3 s
_MIN_SESSION = "group.min.session.timeout.ms"
_MAX_MESSAGE = "max.message.bytes"
_DEFAULT_MIN_SESSION_MS = 6_000
_NEEDED = frozenset({*topics.OUTPUT_OF, *topics.OUTPUT_OF.values(), topics.DEAD_LETTERS})
_PAUSE_S = 0.3
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BrokerProperties:
    """The bootstrap address, the session timeout to use, and how large messages may be."""

    bootstrap: str
    session_timeout_s: float
    limits: MessageLimits


async def await_topics(settings: Settings) -> BrokerProperties:
    """Wait until a broker answers and has the topics.

    Logs once what it waits for, and again when that changes.
    """
    logged = bootstrap = ""
    while True:
        try:
            bootstrap = settings.bootstrap()
            missing, min_session_s, limits = await _query(bootstrap, settings.security)
            waiting = f"The broker has no topic {', '.join(sorted(missing))}." if missing else ""
        except ConfigurationInvalid as fault:  # no address yet
            waiting = str(fault)
        except (TimeoutError, KafkaError, OSError) as fault:
            waiting = f"The broker at {bootstrap} does not answer: {fault}."
        if not waiting:
            return BrokerProperties(bootstrap, max(SESSION_TIMEOUT_S, min_session_s), limits)
        if waiting != logged:
            _log.warning(f"Waiting. {waiting}")
            logged = waiting
        await asyncio.sleep(_PAUSE_S)


async def _query(bootstrap: str, security: Mapping[str, str]) -> tuple[set[str], float, MessageLimits]:
    client = AIOKafkaAdminClient(
        bootstrap_servers=bootstrap.split(","),
        request_timeout_ms=5_000,
        **credentials_to_aiokafka_auth(credentials(security), None),
    )
    await client.start()
    try:
        missing = set(_NEEDED - set(await client.list_topics()))
        return missing, await _min_session_s(client), await _limits(client)
    finally:
        await client.close()


async def _min_session_s(client: Any) -> float:
    """Return the broker's `group.min.session.timeout.ms`; Kafka's own default where the broker does not answer."""
    cluster = await client.describe_cluster()
    broker = cluster["brokers"][0]["node_id"]
    resource = ConfigResource(ConfigResourceType.BROKER, str(broker), {_MIN_SESSION: ""})
    try:
        [response] = await client.describe_configs([resource])
        return float(response.resources[0][4][0][1]) / 1000
    except (KafkaError, IndexError, TypeError, ValueError):
        return _DEFAULT_MIN_SESSION_MS / 1000


async def _limits(client: Any) -> MessageLimits:
    """Return the limits of the topics that the agents write; the defaults where the broker does not answer."""
    written = (*topics.OUTPUT_OF.values(), topics.DEAD_LETTERS)
    largest: dict[str, int] = {}
    for topic in written:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {_MAX_MESSAGE: ""})
        try:
            [response] = await client.describe_configs([resource])
            largest[topic] = int(response.resources[0][4][0][1])
        except (KafkaError, IndexError, TypeError, ValueError):
            largest[topic] = topics.MAX_BATCH_BYTES
    return message_limits(min(largest[output] for output in topics.OUTPUT_OF.values()), largest[topics.DEAD_LETTERS])
