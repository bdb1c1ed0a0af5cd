"""Choose where the simulated systems listen: free loopback ports, kept over restarts."""

import socket
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from ioc.atomic_file import write_atomically
from ioc.demo.world.profile_files import profiles

FILE = "addresses.json"


@dataclass(frozen=True)
class Addresses:
    """Ports of the simulated systems, and by source the folders that their files go to."""

    rest_port: int
    mqtt_port: int
    folders: dict[str, str]

    @property
    def rest(self) -> str:
        """The address of the REST systems."""
        return f"http://127.0.0.1:{self.rest_port}"

    @property
    def mqtt(self) -> str:
        """The address of the MQTT server."""
        return f"mqtt://127.0.0.1:{self.mqtt_port}"


DROPS = (
    *("document-exchange", "department-day-file", "handed-list", "demo-drop"),
    *(profile.source for profile in profiles() if profile.kind in ("day_file", "year_file")),
)


def choose(data_dir: Path) -> Addresses:
    """Return the kept ports if they are free, else other free ones, and write `<data_dir>/demo/addresses.json`."""
    kept = read(data_dir)
    chosen = Addresses(
        rest_port=_free_port(kept.rest_port if kept else 0),
        mqtt_port=_free_port(kept.mqtt_port if kept else 0),
        folders={source: str(data_dir / "drop" / source) for source in DROPS},
    )
    path = data_dir / "demo" / FILE
    content = {**asdict(chosen), "rest": chosen.rest, "mqtt": chosen.mqtt}
    write_atomically(path, orjson.dumps(content, option=orjson.OPT_INDENT_2))
    return chosen


def read(data_dir: Path) -> Addresses | None:
    """Return the kept addresses; None before the first start, or when the file cannot be read."""
    try:
        stored = orjson.loads((data_dir / "demo" / FILE).read_bytes())
        return Addresses(int(stored["rest_port"]), int(stored["mqtt_port"]), dict(stored["folders"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with closing(socket.socket()) as probe:
            # As the servers do, so that a port in TIME_WAIT after a restart counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("No free port on 127.0.0.1.")
