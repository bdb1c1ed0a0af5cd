"""Settings from `ioc.toml` in the data directory and the environment, which goes before the file.

The command line reads them once and passes them on.
"""

import os
import re
import secrets
import socket
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from ioc.errors import ConfigurationInvalid
from ioc.model.person import Role

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
WILDCARDS = ("0.0.0.0", "::", "")
"""Listening addresses that stand for every interface; nobody can open them in a browser."""
_NOT_IN_ADDRESS = re.compile(r"[\s\"<>\\^`{|}?#]")
FILE = "ioc.toml"
FILE_KEYS = (
    *("province", "http_host", "http_port", "address", "anonymous", "kafka", "partitions", "demo_days"),
    "trusted_proxies",
    *("quack_host", "quack_port"),
)
"""Keys of the file; `province` is IOC_PROVINCE, and so on. Secrets stay out of it."""
_KAFKA_PASSWORD = "kafka.password"
KAFKA_SECURITY = (
    "security_protocol",
    "sasl_mechanism",
    "sasl_username",
    "sasl_password",
    "ssl_cafile",
    "ssl_certfile",
    "ssl_keyfile",
)


@dataclass(frozen=True)
class Settings:
    """Where things are. `kafka` is empty when the embedded broker is to be used; `security` holds SASL/TLS settings
    by their kafka-python names. `province` is the unit whose centre this is, `anonymous` the role of callers who do not
    say who they are; None lets them do nothing. `trusted_proxies` are addresses and networks. `demonstration_days` of
    simulated history are loaded at the first start. Without `quack_port` the lab takes the usual one or the next that
    is free. `address` is IOC_ADDRESS, checked, without a slash at its end; empty when it is not set (`outer_address`
    gives the default)."""

    data_dir: Path
    http_host: str = "127.0.0.1"
    http_port: int = 8080
    kafka: str = ""
    security: dict[str, str] = field(default_factory=dict)
    province: str = "46"
    zone: ZoneInfo = VIETNAM
    partitions: int = 4
    demonstration: bool = False
    anonymous: Role | None = Role.VIEWER
    demonstration_days: int = 365
    quack_host: str = "127.0.0.1"
    quack_port: int | None = None
    address: str = ""
    trusted_proxies: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read `ioc.toml` of the data directory with `environment` laid over. Raises ConfigurationInvalid naming the
        variable or the key at fault."""
        data_dir = Path(environment.get("IOC_DATA_DIR", "var")).absolute()
        environment = {**_of_file(data_dir / FILE), **environment}
        security = {
            name: environment[f"IOC_KAFKA_{name.upper()}"]
            for name in KAFKA_SECURITY
            if f"IOC_KAFKA_{name.upper()}" in environment
        }
        if not environment.get("IOC_KAFKA") and not security and (secret := data_dir / _KAFKA_PASSWORD).exists():
            security = {
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "PLAIN",
                "sasl_username": "ioc",
                "sasl_password": secret.read_text().strip(),
            }
        http_host = environment.get("IOC_HTTP_HOST", "127.0.0.1")
        return cls(
            data_dir=data_dir,
            http_host=http_host,
            http_port=_whole_number(environment, "IOC_HTTP_PORT", 8080, 1, 65535),
            kafka=environment.get("IOC_KAFKA", ""),
            security=security,
            province=environment.get("IOC_PROVINCE", "46"),
            partitions=_whole_number(environment, "IOC_PARTITIONS", 4, 1, 1024),
            demonstration=environment.get("IOC_DEMO", "") not in ("", "0"),
            anonymous=_anonymous(environment),
            demonstration_days=_whole_number(environment, "IOC_DEMO_DAYS", 365, 1, 365),
            address=_outer_address(environment),
            trusted_proxies=_addresses(environment.get("IOC_TRUSTED_PROXIES", "")),
            quack_host=environment.get("IOC_QUACK_HOST", "127.0.0.1"),
            quack_port=_whole_number(environment, "IOC_QUACK_PORT", 0, 1, 65535)
            if "IOC_QUACK_PORT" in environment
            else None,
        )

    @property
    def outer_address(self) -> str:
        """Address that people reach the centre by, without a slash at its end: the base of every link that leaves the
        centre (messages, reports, open data). IOC_ADDRESS, else the address of the listener; a listener on all
        interfaces is named by the machine's host name."""
        if self.address:
            return self.address
        host = socket.gethostname() if self.http_host in WILDCARDS else self.http_host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.http_port}"

    @property
    def store_path(self) -> Path:
        return self.data_dir / "store" / "ioc.duckdb"

    @property
    def people_path(self) -> Path:
        return self.data_dir / "people.db"

    @property
    def archive_dir(self) -> Path:
        return self.data_dir / "archive"

    @property
    def snapshots_dir(self) -> Path:
        """Copies of the store for readers (ioc/store/snapshot.py)."""
        return self.data_dir / "snapshots"

    @property
    def lab_dir(self) -> Path:
        """What `ioc lab` publishes to analysts, their results and saved queries."""
        return self.data_dir / "lab"

    @property
    def lab_socket(self) -> Path:
        """Where `ioc lab` answers; only this user reaches it."""
        return self.data_dir / "lab.sock"

    @property
    def open_data_dir(self) -> Path:
        """Files of the open data (ioc/open_data/building.py)."""
        return self.data_dir / "open"

    @property
    def quack_address(self) -> Path:
        """Where the lab writes which address Quack has; it exists while it can be attached."""
        return self.data_dir / "quack.address"

    @property
    def sources_dir(self) -> Path:
        """Source configurations, one TOML file each."""
        return Path(os.environ.get("IOC_SOURCES_DIR", self.data_dir / "sources"))

    @property
    def catalog_dir(self) -> Path:
        """The province's own definitions, laid over those of the package."""
        return Path(os.environ.get("IOC_CATALOG_DIR", self.data_dir / "catalog"))

    @property
    def kept_dir(self) -> Path:
        """What can be made again at any time, kept to start sooner."""
        return self.data_dir / "kept"

    @property
    def channels_path(self) -> Path:
        """Channels that messages of alerts go out by; it holds secrets."""
        return self.data_dir / "channels.toml"

    def bootstrap(self) -> str:
        """Address of the broker: the configured one, or what the embedded broker wrote. Raises ConfigurationInvalid."""
        if self.kafka:
            return self.kafka
        address = self.data_dir / "kafka.address"
        if not address.exists():
            raise ConfigurationInvalid(f"No broker: set IOC_KAFKA, or start `ioc broker` (it writes {address}).")
        return address.read_text().strip()

    def kafka_password(self) -> str:
        """Return the password of the embedded broker, made at the first call; clients then log in with it."""
        return secret_file(self.data_dir / _KAFKA_PASSWORD)

    def without_kafka_password(self) -> str:
        """Forget the password of an embedded broker that asks for none; return the empty one."""
        (self.data_dir / _KAFKA_PASSWORD).unlink(missing_ok=True)
        return ""

    def admin_token(self) -> str:
        """IOC_ADMIN_TOKEN, else the one kept in `admin.token` (made at the first call, mode 600)."""
        return os.environ.get("IOC_ADMIN_TOKEN") or secret_file(self.data_dir / "admin.token")

    def lab_key(self) -> str:
        """The key by which `ioc serve` signs what it forwards to the lab; made at the first call, mode 600."""
        return secret_file(self.data_dir / "keys" / "lab.key")

    def login_key(self) -> str:
        """The key that marks browsers which have logged in before; made at the first call, mode 600."""
        return secret_file(self.data_dir / "keys" / "login.key")

    def personal_key(self) -> str:
        """The key that personal fields are hashed with; made at the first call, mode 600."""
        return secret_file(self.data_dir / "keys" / "personal.key")

    def source_token(self, source: str) -> str:
        """Token of a push source, made at the first call, kept with mode 600."""
        return secret_file(self.data_dir / "tokens" / f"{source}.token")


def secret_file(path: Path) -> str:
    """Content of a secret file; made with 256 random bits and mode 600 if it is missing, safe against a race."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    if not path.exists():
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(32) + "\n")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def record_province(settings: Settings) -> None:
    """Write `ioc.toml` with the province when there is none yet, so that later starts need no variable."""
    path = settings.data_dir / FILE
    if not path.exists():
        draft = path.with_name(f".{FILE}.{os.getpid()}")
        draft.write_text(
            f"# Settings of this centre; a variable such as IOC_PROVINCE goes before its key here.\n"
            f'# Keys: {", ".join(FILE_KEYS)}.\nprovince = "{settings.province}"\n',
            encoding="utf-8",
        )
        draft.replace(path)


def _of_file(path: Path) -> dict[str, str]:
    """Return the file's keys as the variables that they stand for; none without a file."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as fault:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        raise ConfigurationInvalid(f"{path} cannot be read as TOML: {fault}.") from None
    for key, value in content.items():
        if key not in FILE_KEYS:
            raise ConfigurationInvalid(f"{path} has the key {key!r}; known keys are {', '.join(FILE_KEYS)}.")
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise ConfigurationInvalid(f"{path}: {key} is neither a text nor a whole number.")
    return {f"IOC_{key.upper()}": str(value) for key, value in content.items()}


def _anonymous(environment: Mapping[str, str]) -> Role | None:
    """Nobody looks without saying who they are, unless told otherwise; the simulated data of the demonstration are for
    everybody. Where the server listens says nothing of who reaches it: a proxy may stand before it."""
    is_demonstration = environment.get("IOC_DEMO", "") not in ("", "0")
    text = environment.get("IOC_ANONYMOUS", "viewer" if is_demonstration else "none")
    if text not in ("viewer", "none"):
        raise ConfigurationInvalid(f"IOC_ANONYMOUS={text!r} is neither viewer nor none.")
    return Role.VIEWER if text == "viewer" else None


def _addresses(text: str) -> tuple[str, ...]:
    """Split a list at commas and spaces."""
    return tuple(text.replace(",", " ").split())


def _whole_number(environment: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environment.get(name, str(default))
    if not text.isdigit() or not least <= int(text) <= most:
        raise ConfigurationInvalid(f"{name}={text!r} is not a whole number from {least} to {most}.")
    return int(text)


def _outer_address(environment: Mapping[str, str]) -> str:
    """IOC_ADDRESS, checked: an address that a browser can open, with or without a path. IOC_SITE is its former name."""
    name = "IOC_ADDRESS" if environment.get("IOC_ADDRESS") else "IOC_SITE"
    text = environment.get(name, "").strip().rstrip("/")
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and (parts.hostname or "") not in WILDCARDS and parts.port != 0
    except ValueError:
        sound = False
    if text and (not sound or "@" in text or _NOT_IN_ADDRESS.search(text)):
        raise ConfigurationInvalid(
            f"{name}={text!r} is not an address that a browser can open; write it as https://ioc.example.vn, "
            "without user, ? and #."
        )
    return text
