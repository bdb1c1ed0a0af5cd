"""`ioc broker`: run the embedded broker in the foreground."""

import signal
import sys
from types import FrameType

import click

from ioc.broker import EmbeddedBroker
from ioc.errors import ConfigurationInvalid, IocError
from ioc.messages import Message
from ioc.settings import Settings
from ioc.terminal import say


@click.command()
@click.option("--port", default=9092, show_default=True, help="port; the next free one when it is in use")
@click.option("--password/--no-password", default=True, show_default=True, help="require clients to log in")
@click.option("--heap-mb", default=320, show_default=True, type=click.IntRange(256, 4096), help="memory for Java")
def command(port: int, heap_mb: int, password: bool) -> None:
    """Run Apache Kafka as one node on loopback, with its data in IOC_DATA_DIR, until Ctrl-C.

    Clients log in as ioc with the password in kafka.password, where the centre's own processes read it too.
    """
    settings = Settings.from_environment()
    if settings.kafka:
        raise ConfigurationInvalid(Message("kafka_outside", address=settings.kafka))
    secret = settings.kafka_password() if password else settings.without_kafka_password()
    broker = EmbeddedBroker(settings.data_dir, port, heap_mb, password=secret)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        broker.stop()
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    say(Message("kafka_answers", address=broker.start()))
    code = broker.wait()
    raise IocError(Message("kafka_ended", code=code, folder=str(settings.data_dir / "kafka")))
