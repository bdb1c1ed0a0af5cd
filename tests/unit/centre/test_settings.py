"""Settings from the environment, and secrets in files."""

import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from ioc.errors import ConfigurationInvalid
from ioc.model.person import Role
from ioc.settings import Settings, record_province, secret_file


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        pytest.param({"IOC_ADDRESS": "https://ioc.hue.gov.vn/"}, "https://ioc.hue.gov.vn", id="as people type it"),
        pytest.param({"IOC_ADDRESS": "https://hue.gov.vn/ioc/"}, "https://hue.gov.vn/ioc", id="below a path"),
        pytest.param({"IOC_SITE": "https://x.vn"}, "https://x.vn", id="by the former name"),
        pytest.param({}, "http://127.0.0.1:8080", id="the listener without a setting"),
        pytest.param({"IOC_HTTP_HOST": "::1"}, "http://[::1]:8080", id="IPv6 in brackets"),
        pytest.param(
            {"IOC_HTTP_HOST": "0.0.0.0", "IOC_HTTP_PORT": "80"},
            f"http://{socket.gethostname()}:80",
            id="never the address of all interfaces",
        ),
    ],
)
def test_the_outer_address(environment: Any, address: Any) -> None:
    assert Settings.from_environment(environment).outer_address == address


def test_security_settings_come_by_their_names() -> None:
    environment = {
        "IOC_KAFKA": "k:9092",
        "IOC_KAFKA_SASL_MECHANISM": "PLAIN",
        "IOC_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    }
    settings = Settings.from_environment(environment)
    assert settings.bootstrap() == "k:9092"
    assert settings.security == {"sasl_mechanism": "PLAIN", "security_protocol": "SASL_SSL"}


def test_without_a_broker_the_way_out_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="set IOC_KAFKA, or start `ioc broker`"):
        Settings(tmp_path).bootstrap()


def test_a_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "tokens" / "air.token"
    made = secret_file(path)
    assert secret_file(path) == made
    assert len(made) >= 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_the_file_of_the_data_directory_is_read_and_a_variable_goes_before_it(tmp_path: Path) -> None:
    (tmp_path / "ioc.toml").write_text('province = "48"\nhttp_port = 9000\n')
    data = {"IOC_DATA_DIR": str(tmp_path)}
    settings = Settings.from_environment(data)
    assert (settings.province, settings.http_port) == ("48", 9000)
    assert Settings.from_environment(data | {"IOC_PROVINCE": "46"}).province == "46"


def test_a_first_start_records_its_province_and_later_ones_keep_it(tmp_path: Path) -> None:
    data = {"IOC_DATA_DIR": str(tmp_path)}
    record_province(Settings.from_environment(data | {"IOC_PROVINCE": "48"}))
    assert Settings.from_environment(data).province == "48"
    record_province(Settings.from_environment(data | {"IOC_PROVINCE": "46"}))
    assert Settings.from_environment(data).province == "48"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param('provinse = "48"', "has the unknown key 'provinse'", id="unknown key"),
        pytest.param("province = [48]", "province must be a text", id="a list"),
        pytest.param("province =", "cannot be read as TOML", id="not TOML"),
        pytest.param(
            "http_port = 70000",
            r"IOC_HTTP_PORT='70000' \(.*ioc.toml: http_port\) is not valid",
            id="value out of bounds",
        ),
    ],
)
def test_a_faulty_file_is_named(text: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "ioc.toml").write_text(text)
    with pytest.raises(ConfigurationInvalid, match=fault):
        Settings.from_environment({"IOC_DATA_DIR": str(tmp_path)})


@pytest.mark.parametrize(
    ("environment", "role"),
    [
        pytest.param({}, None, id="nobody is known"),
        pytest.param({"IOC_HTTP_HOST": "127.0.0.1"}, None, id="loopback, perhaps behind a proxy"),
        pytest.param({"IOC_HTTP_HOST": "0.0.0.0"}, None, id="every interface"),
        pytest.param({"IOC_DEMO": "1", "IOC_HTTP_HOST": "0.0.0.0"}, Role.VIEWER, id="simulated data are for everybody"),
        pytest.param({"IOC_DEMO": "1", "IOC_ANONYMOUS": "none"}, None, id="unless told otherwise"),
        pytest.param({"IOC_ANONYMOUS": "viewer", "IOC_HTTP_HOST": "10.0.0.1"}, Role.VIEWER, id="told so"),
    ],
)
def test_who_may_look_does_not_depend_on_where_the_centre_listens(
    tmp_path: Path, environment: dict[str, str], role: Role | None
) -> None:
    settings = Settings.from_environment({"IOC_DATA_DIR": str(tmp_path), **environment})
    assert settings.anonymous is role


def test_the_password_of_the_embedded_broker_is_used_while_it_has_one(tmp_path: Path) -> None:
    data = {"IOC_DATA_DIR": str(tmp_path)}
    assert Settings.from_environment(data).security == {}
    password = Settings.from_environment(data).kafka_password()
    security = Settings.from_environment(data).security
    assert (security["sasl_username"], security["sasl_password"]) == ("ioc", password)
    assert Settings.from_environment(data | {"IOC_KAFKA": "kafka:9092"}).security == {}
    own = Settings.from_environment(data | {"IOC_KAFKA_SECURITY_PROTOCOL": "SSL"}).security
    assert own == {"security_protocol": "SSL"}
    Settings.from_environment(data).without_kafka_password()
    assert Settings.from_environment(data).security == {}
