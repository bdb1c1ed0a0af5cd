"""Build the Faust app: with settings that lose nothing, resume soon after a failure, and keep idle workers cheap."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import faust
from faust.auth import SASLCredentials, SSLCredentials
from faust.transport.drivers import aiokafka as driver
from mode.supervisors import CrashingSupervisor

from ioc import topics
from ioc.errors import ConfigurationInvalid
from ioc.messages import Message
from ioc.settings import Settings
from streams.consumer import Consumer
from streams.faust_patches import IdempotentProducer, NoTables, has_compiled_streams

HEARTBEAT_S = 0.5
COMMIT_INTERVAL_S = 0.5
FETCH_BYTES = 8 * 1024 * 1024
_BUFFERED_MESSAGES = 16
_BATCH_BYTES = 1024 * 1024
_DAY_S = 86_400.0


class _Transport(driver.Transport):
    Consumer = Consumer
    Producer = IdempotentProducer


@dataclass(frozen=True)
class Membership:
    """The identity of a worker in the consumer group.

    A worker that dies and starts again under its `instance` gets its partitions back at once, without a rebalance; one
    that does not come back loses them after `session_timeout_s`.
    """

    instance: str
    session_timeout_s: float


def build_app(settings: Settings, bootstrap: str, membership: Membership, scratch: Path) -> faust.App:
    """Build the app without its agents. Faust requires a directory `scratch` and keeps nothing in it."""
    if not has_compiled_streams():
        raise ConfigurationInvalid(Message("faust_not_compiled"))
    app = faust.App(
        topics.STREAMS_GROUP,
        broker=[f"kafka://{address}" for address in bootstrap.split(",")],
        broker_credentials=credentials(settings.security),
        broker_client_id=f"ioc-streams-{membership.instance}",
        broker_session_timeout=membership.session_timeout_s,
        broker_heartbeat_interval=HEARTBEAT_S,
        broker_rebalance_timeout=max(membership.session_timeout_s, 6.0),
        broker_commit_interval=COMMIT_INTERVAL_S,
        consumer_group_instance_id=membership.instance,
        consumer_max_fetch_size=FETCH_BYTES,
        consumer_metadata_max_age_ms=30_000,
        producer_acks=-1,
        producer_max_request_size=topics.MAX_MESSAGE_BYTES,
        producer_max_batch_size=_BATCH_BYTES,
        producer_request_timeout=_DAY_S,  # it ends a batch's life, not one attempt: away brokers are waited for
        stream_buffer_maxsize=_BUFFERED_MESSAGES,
        agent_supervisor=CrashingSupervisor,
        cython_optimizations=True,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        TableManager=NoTables,
        web_enabled=False,
        datadir=scratch,
        value_serializer="raw",
        key_serializer="raw",
        worker_redirect_stdouts=False,
    )
    app.transport = _Transport(app.conf.broker_consumer, app)
    app.producer_transport = _Transport(app.conf.broker_producer, app)
    return app


def credentials(security: Mapping[str, str]) -> SASLCredentials | SSLCredentials | None:
    """Return Faust's form of `Settings.security`. Raises ConfigurationInvalid for TLS files that cannot be used."""
    protocol = security.get("security_protocol", "PLAINTEXT")
    context = _tls(security) if protocol.endswith("SSL") else None
    if protocol.startswith("SASL"):
        return SASLCredentials(
            username=security.get("sasl_username"),
            password=security.get("sasl_password"),
            mechanism=security.get("sasl_mechanism", "PLAIN"),
            ssl_context=context,
        )
    return SSLCredentials(context) if context is not None else None


def _tls(security: Mapping[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=security.get("ssl_cafile"))
        if "ssl_certfile" in security:
            context.load_cert_chain(security["ssl_certfile"], security.get("ssl_keyfile"))
    except (OSError, ssl.SSLError) as fault:
        raise ConfigurationInvalid(Message("tls_files", reason=str(fault))) from fault
    return context
