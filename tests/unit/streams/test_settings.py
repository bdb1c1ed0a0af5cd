"""What the settings of the broker become in Faust's terms, and what the log leaves out."""

import logging
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError
from faust.auth import SASLCredentials, SSLCredentials

from ioc.errors import ConfigurationInvalid
from streams.app import credentials
from streams.logs import OncePerMinute, OneLineFormatter

USER = {"sasl_username": "ioc", "sasl_password": "secret"}


@pytest.mark.parametrize(
    ("security", "protocol", "mechanism"),
    [
        ({}, None, None),
        ({"security_protocol": "PLAINTEXT"}, None, None),
        ({"security_protocol": "SSL"}, "SSL", None),
        ({"security_protocol": "SASL_PLAINTEXT", **USER}, "SASL_PLAINTEXT", "PLAIN"),
        ({"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512", **USER}, "SASL_SSL", "SCRAM-SHA-512"),
    ],
    ids=["none", "plain", "TLS", "password", "password over TLS"],
)
def test_credentials(security: dict[str, str], protocol: str | None, mechanism: str | None) -> None:
    given = credentials(security)
    assert (given.protocol.value if given else None) == protocol
    if isinstance(given, SASLCredentials):
        assert (given.mechanism.value, given.username, given.password) == (mechanism, "ioc", "secret")
    else:
        assert isinstance(given, SSLCredentials) == (protocol == "SSL")


def test_a_broken_certificate_is_named(tmp_path: Path) -> None:
    certificate = tmp_path / "ca.pem"
    certificate.write_text("no certificate")
    with pytest.raises(ConfigurationInvalid, match="IOC_KAFKA_SSL"):
        credentials({"security_protocol": "SSL", "ssl_cafile": str(certificate)})


def test_the_log_says_a_thing_once_a_minute() -> None:
    not_again = OncePerMinute()

    def passes(at_s: float, message: str, of: str) -> bool:
        record = logging.LogRecord("aiokafka", logging.WARNING, "", 0, message, (of,), None)
        record.created = at_s
        return not_again.filter(record)

    said = [(0, "away: %s"), (1, "away: %s"), (2, "back: %s"), (59, "away: %s"), (61, "away: %s"), (62, "away: %s")]
    assert [passes(at_s, message, str(at_s)) for at_s, message in said] == [True, False, True, False, True, False]


@pytest.mark.parametrize(
    ("error", "cause", "said"),
    [
        pytest.param(
            KafkaConnectionError("gone"), None, "KafkaConnectionError: KafkaConnectionError: gone", id="broker"
        ),
        pytest.param(
            RuntimeError("crashed"), ConnectionResetError("reset"), "ConnectionResetError: reset", id="led to"
        ),
        pytest.param(ValueError("ours"), None, "Traceback", id="a fault of our own"),
    ],
)
def test_a_broker_that_is_away_is_told_without_a_traceback(
    error: Exception, cause: Exception | None, said: str
) -> None:
    try:
        raise error from cause
    except Exception as raised:  # noqa: BLE001
        text = OneLineFormatter().formatException((type(raised), raised, raised.__traceback__))
    assert text.startswith(said)
