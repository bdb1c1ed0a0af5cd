"""An MQTT server for the tests of a whole centre."""

import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running_centre import free_port


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[int | None]:
    """The port of an MQTT server; None, with a warning in pytest's summary, where Mosquitto is not installed."""
    binary = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if binary is None:
        warnings.warn("Mosquitto is not installed: what MQTT would carry is pushed over HTTP", stacklevel=1)
        yield None
        return
    port = free_port()
    settings = tmp_path / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    process = subprocess.Popen([binary, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield port
    process.terminate()
    process.wait(10)
