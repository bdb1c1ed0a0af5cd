"""docker-compose.yml and the Dockerfile keep their structure; no container engine is needed to know."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ioc.broker.java import KAFKA_VERSION
from ioc.cli import COMMANDS
from ioc.topics import MAX_BATCH_BYTES

REPOSITORY = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
LONG_RUNNING = ["kafka", "serve", "lab", "streams", "connect"]
OF_THE_CENTRE = ["topics", "serve", "lab", "streams", "connect"]
KEEPS_DATA = ["kafka", "serve", "lab", "connect"]


def test_these_are_all_services() -> None:
    assert set(SERVICES) == {*LONG_RUNNING, *OF_THE_CENTRE}


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_a_long_running_service_is_watched_and_started_again(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_bounded(name: str) -> None:
    limits = SERVICES[name]["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0
    assert re.fullmatch(r"\d+[mg]", limits["memory"])


@pytest.mark.parametrize("name", KEEPS_DATA)
def test_what_must_last_is_in_a_named_volume(name: str) -> None:
    named = [str(volume).split(":")[0] for volume in SERVICES[name]["volumes"] if not str(volume).startswith(".")]
    assert len(named) == 1
    assert named[0] in COMPOSE["volumes"]


@pytest.mark.parametrize("name", OF_THE_CENTRE)
def test_the_centre_uses_that_kafka_and_a_command_that_exists(name: str) -> None:
    assert SERVICES[name]["environment"]["IOC_KAFKA"] == "kafka:9092"
    assert SERVICES[name]["command"][0] in COMMANDS


@pytest.mark.parametrize("name", OF_THE_CENTRE)
def test_province_and_password_must_be_given(name: str) -> None:
    environment = SERVICES[name]["environment"]
    assert environment["IOC_PROVINCE"].startswith("${IOC_PROVINCE:?")
    assert environment["IOC_KAFKA_SASL_PASSWORD"].startswith("${IOC_KAFKA_PASSWORD:?")


def test_only_the_listener_with_a_password_is_reachable_from_other_containers() -> None:
    kafka = SERVICES["kafka"]["environment"]
    listeners = dict(listener.split("://") for listener in kafka["KAFKA_LISTENERS"].split(","))
    protocols = dict(entry.split(":") for entry in kafka["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    reachable = {name for name, address in listeners.items() if not address.startswith("localhost:")}
    assert {protocols[name] for name in reachable} == {"SASL_PLAINTEXT"}


@pytest.mark.parametrize("name", OF_THE_CENTRE)
def test_no_memory_disk_hides_the_folder_of_the_image_that_belongs_to_the_user(name: str) -> None:
    assert [volume for volume in SERVICES[name].get("volumes", []) if not isinstance(volume, str)] == []


@pytest.mark.parametrize("name", ["serve", "streams", "connect"])
def test_nothing_starts_before_the_topics_are_there(name: str) -> None:
    assert SERVICES[name]["depends_on"] == {"topics": {"condition": "service_completed_successfully"}}


def test_the_wall_and_the_api_are_published_and_quack_to_this_host_alone() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "serve": ["8080:8080"],
        "lab": ["127.0.0.1:9494:9494"],
    }


def test_the_lab_listens_where_its_port_is_published() -> None:
    environment = SERVICES["lab"]["environment"]
    assert (environment["IOC_QUACK_HOST"], environment["IOC_QUACK_PORT"]) == ("0.0.0.0", "9494")


def test_the_load_is_shared_by_workers() -> None:
    assert 2 <= SERVICES["streams"]["deploy"]["replicas"] <= int(SERVICES["streams"]["environment"]["IOC_PARTITIONS"])


def test_kafka_is_the_same_as_the_embedded_one() -> None:
    kafka = SERVICES["kafka"]
    assert kafka["image"] == f"apache/kafka:{KAFKA_VERSION}"
    assert kafka["environment"]["KAFKA_MESSAGE_MAX_BYTES"] == str(MAX_BATCH_BYTES)
    assert kafka["environment"]["KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS"] == "1000"


def test_what_the_image_copies_exists_and_is_let_in() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    let_in = {line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for path in " ".join(copied).split():
        assert (REPOSITORY / path).exists(), path
        assert path.split("/")[0] in let_in, path


def test_the_image_runs_as_no_root_and_every_base_is_pinned() -> None:
    assert "\nUSER ioc\n" in DOCKERFILE
    assert all(":" in base for base in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))


def is_healthy(address: str, *arguments: str, sources: Path = Path()) -> bool:
    command = [sys.executable, str(REPOSITORY / "deploy/connected.py"), *arguments]
    environment = {**os.environ, "IOC_KAFKA": address, "IOC_SOURCES_DIR": str(sources)}
    return subprocess.run(command, env=environment, check=False).returncode == 0


def test_health_without_http_is_a_held_connection_to_kafka() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert not is_healthy(address)
        with socket.create_connection(server.getsockname()):
            assert is_healthy(address)


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        pytest.param('kind = "http_push"', True, id="only pushed sources: nothing to fetch"),
        pytest.param('kind = "mqtt"', False, id="a source to fetch, and no connection"),
        pytest.param("kind =", False, id="a file that cannot be read has to be reported"),
    ],
)
def test_connectors_without_a_source_to_fetch_are_healthy(tmp_path: Path, configuration: str, expected: bool) -> None:
    (tmp_path / "one.toml").write_text(configuration)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert is_healthy(address, "--sources", sources=tmp_path) is expected
    assert not is_healthy(address, "--sources", sources=tmp_path)  # Kafka is away
