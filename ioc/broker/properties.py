"""Write the settings of the broker's process: server properties and log settings. Pure."""

from __future__ import annotations

from pathlib import Path

from ioc.topics import MAX_BATCH_BYTES

HOST = "127.0.0.1"
NODE_ID = 1
USER = "ioc"
_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"


def server_properties(
    *, log_dir: Path, port: int, controller_port: int, durable: bool = True, password: str = ""
) -> str:
    """Return Kafka's `server.properties` for one node that is broker and controller, on this machine only.

    `durable`: what it acknowledges is on the disk, also when the power fails, since a single node has no replica.
    With a `password` (letters, digits, - and _) clients must log in as USER; without one, any local program may write.
    """
    protocol = "SASL_PLAINTEXT" if password else "PLAINTEXT"
    settings: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": NODE_ID,
        "controller.quorum.voters": f"{NODE_ID}@{HOST}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"CLIENTS://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"CLIENTS://{HOST}:{port}",
        "listener.security.protocol.map": f"CLIENTS:{protocol},CONTROLLER:{protocol}",
        "inter.broker.listener.name": "CLIENTS",
        "log.dirs": log_dir,
        "auto.create.topics.enable": "false",
        # One node: every internal topic has one replica; few partitions start faster.
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        # The partitions of a killed worker flow again within 3 s, those of a first worker at once.
        "group.min.session.timeout.ms": 1000,
        "group.initial.rebalance.delay.ms": 0,
        # After a SIGKILL the controller refuses the new broker until the session of the old one is over (default 9 s).
        # The broker tries again after 0.1, 0.2 and 0.4 s, so that it is accepted 0.7 s after its start.
        "broker.session.timeout.ms": 650,
        "broker.heartbeat.interval.ms": 150,
        # An empty record that shows replicas which lag behind (default: every 500 ms); there is one node.
        "metadata.max.idle.interval.ms": 10_000,
        "message.max.bytes": MAX_BATCH_BYTES,
        "replica.fetch.max.bytes": MAX_BATCH_BYTES,
        # A small disk: topics have their own retention, and these settings limit the others. After a SIGKILL the last
        # segment of each partition is read again, about 0.5 s of a core for 400 MB.
        "log.segment.bytes": 32 * 1024 * 1024,
        "log.retention.hours": 24,
        "log.retention.check.interval.ms": 60_000,
        # A small heap: the default deduplication buffer alone is 128 MB. This one holds 150,000 keys, many times those
        # of the compacted topics.
        "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
        "socket.send.buffer.bytes": 1024 * 1024,
        "socket.receive.buffer.bytes": 1024 * 1024,
    }
    if password:
        login = f'{_LOGIN} username="{USER}" password="{password}" user_{USER}="{password}";'
        settings["sasl.mechanism.inter.broker.protocol"] = "PLAIN"
        settings["sasl.mechanism.controller.protocol"] = "PLAIN"
        for listener in ("clients", "controller"):
            settings[f"listener.name.{listener}.sasl.enabled.mechanisms"] = "PLAIN"
            settings[f"listener.name.{listener}.plain.sasl.jaas.config"] = login
    if durable:
        settings["log.flush.interval.messages"] = 1
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def log_properties(log_file: Path) -> str:
    """Return log4j 2 settings: warnings and errors go to `log_file`, at most 3 files of 4 MB."""
    return f"""\
rootLogger.level=WARN
rootLogger.appenderRef.file.ref=file
appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName={log_file}
appender.file.filePattern={log_file}.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d{{ISO8601}} %p %c{{1}}: %m%n%throwable
appender.file.policies.type=Policies
appender.file.policies.size.type=SizeBasedTriggeringPolicy
appender.file.policies.size.size=4MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=2
"""


def meta_properties(*, cluster_id: str, directory_id: str) -> str:
    """Return `meta.properties` of a new data folder, as Kafka's format tool writes it; ids have 22 characters."""
    return f"version=1\nnode.id={NODE_ID}\ncluster.id={cluster_id}\ndirectory.id={directory_id}\n"
