"""Settings from the environment, and secrets in files."""

import stat
from pathlib import Path

import pytest

from ioc.errors import ConfigurationInvalid
from ioc.settings import Settings, secret_file


@pytest.mark.parametrize(
    ("name", "text"),
    [("IOC_HTTP_PORT", "0"), ("IOC_HTTP_PORT", "70000"), ("IOC_HTTP_PORT", "http"), ("IOC_PARTITIONS", "-1")],
)
def test_a_wrong_number_is_named(name, text):
    with pytest.raises(ConfigurationInvalid, match=f"{name}={text!r}"):
        Settings.from_environment({name: text})


def test_security_settings_come_by_their_names():
    environment = {
        "IOC_KAFKA": "k:9092",
        "IOC_KAFKA_SASL_MECHANISM": "PLAIN",
        "IOC_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    }
    settings = Settings.from_environment(environment)
    assert settings.bootstrap() == "k:9092"
    assert settings.security == {"sasl_mechanism": "PLAIN", "security_protocol": "SASL_SSL"}


def test_without_a_broker_the_way_out_is_told(tmp_path: Path):
    with pytest.raises(ConfigurationInvalid, match="set IOC_KAFKA, or start `ioc broker`"):
        Settings(tmp_path).bootstrap()


def test_a_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path):
    path = tmp_path / "tokens" / "air.token"
    made = secret_file(path)
    assert secret_file(path) == made
    assert len(made) >= 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
