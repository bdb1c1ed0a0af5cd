"""Read settings from `ioc.toml` in the data directory and from the environment, which overrides the file.

The command line reads them once and passes them on.
"""

import os
import secrets
import socket
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from ioc.atomic_file import write_atomically
from ioc.environment_variables import FILE_KEYS, VARIABLES, WILDCARDS
from ioc.errors import ConfigurationInvalid
from ioc.messages import Message
from ioc.model.person import Role
from ioc.setting_faults import SettingInvalid

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
FILE = "ioc.toml"
_KAFKA_PASSWORD = "kafka.password"
_SECURITY = "IOC_KAFKA_"
"""Prefix of the variables with SASL and TLS settings."""


@dataclass(frozen=True)
class Settings:
    """Paths, addresses and options of a centre; `docs/configuration.md` explains each.

    `kafka` is empty for the embedded broker; `security` holds SASL and TLS settings by their kafka-python names.
    `anonymous` is the role of callers who are not logged in; None allows them nothing. `trusted_proxies` are addresses
    and networks. Without `quack_port` the lab uses the usual port or the next free one. `address` is IOC_ADDRESS
    without a slash at its end, empty when it is not set (`outer_address` gives the default). `own_sources_dir` and
    `own_catalog_dir` are None for the folders of the data directory.
    """

    data_dir: Path
    http_host: str = "127.0.0.1"
    http_port: int = 8080
    kafka: str = ""
    security: dict[str, str] = field(default_factory=dict, repr=False)
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
    own_sources_dir: Path | None = None
    own_catalog_dir: Path | None = None
    configured_admin_token: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read `ioc.toml` of the data directory, and `environment`, which overrides it.

        Every variable is checked. Raises SettingInvalid, which names the variable or key, its value and what is
        allowed.
        """
        data_dir: Path = VARIABLES[0].value(environment, {}, Path())
        path = data_dir / FILE
        file = _of_file(path)
        values = {variable.name: variable.value(environment, file, path) for variable in VARIABLES}
        security = {
            name.removeprefix(_SECURITY).lower(): value
            for name, value in values.items()
            if name.startswith(_SECURITY) and value is not None
        }
        if not values["IOC_KAFKA"] and not security and (secret := data_dir / _KAFKA_PASSWORD).exists():
            security = {
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "PLAIN",
                "sasl_username": "ioc",
                "sasl_password": secret.read_text().strip(),
            }
        is_demonstration = values["IOC_DEMO"] == "1"
        # Nobody may view without logging in unless a setting allows it; the demonstration's data are simulated, so
        # everybody may. The listening address does not show who can reach the server: a proxy may be in front of it.
        anonymous = values["IOC_ANONYMOUS"] or ("viewer" if is_demonstration else "none")
        return cls(
            data_dir=data_dir,
            http_host=values["IOC_HTTP_HOST"],
            http_port=values["IOC_HTTP_PORT"],
            kafka=values["IOC_KAFKA"] or "",
            security=security,
            province=values["IOC_PROVINCE"],
            partitions=values["IOC_PARTITIONS"],
            demonstration=is_demonstration,
            anonymous=Role.VIEWER if anonymous == "viewer" else None,
            demonstration_days=values["IOC_DEMO_DAYS"],
            quack_host=values["IOC_QUACK_HOST"],
            quack_port=values["IOC_QUACK_PORT"],
            address=values["IOC_ADDRESS"] or "",
            trusted_proxies=values["IOC_TRUSTED_PROXIES"] or (),
            own_sources_dir=values["IOC_SOURCES_DIR"],
            own_catalog_dir=values["IOC_CATALOG_DIR"],
            configured_admin_token=values["IOC_ADMIN_TOKEN"] or "",
        )

    def create_data_dir(self) -> None:
        """Create the data directory where it is missing. Raises SettingInvalid when that cannot be done."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            reason = fault.strerror or str(fault)
            raise SettingInvalid("data_folder_not_created", path=str(self.data_dir), reason=reason) from None

    @property
    def outer_address(self) -> str:
        """Address at which people reach the centre, without a slash at its end; links to the centre begin with it.

        It is IOC_ADDRESS, else the address of the listener, with the host name for a listener on all interfaces.
        """
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
        """Snapshots of the store for readers (ioc/store/snapshot.py)."""
        return self.data_dir / "snapshots"

    @property
    def lab_dir(self) -> Path:
        """Files of `ioc lab`: what it publishes to analysts, their results and saved queries."""
        return self.data_dir / "lab"

    @property
    def lab_socket(self) -> Path:
        """Socket of `ioc lab`; only this user can open it."""
        return self.data_dir / "lab.sock"

    @property
    def open_data_dir(self) -> Path:
        """Files of the open data (ioc/open_data/build_files.py)."""
        return self.data_dir / "open"

    @property
    def quack_address(self) -> Path:
        """File with the address of Quack; it exists while clients can attach."""
        return self.data_dir / "quack.address"

    @property
    def sources_dir(self) -> Path:
        """Source configurations, one TOML file each."""
        return self.own_sources_dir or self.data_dir / "sources"

    @property
    def catalog_dir(self) -> Path:
        """The province's own definitions, which override those of the package."""
        return self.own_catalog_dir or self.data_dir / "catalog"

    @property
    def kept_dir(self) -> Path:
        """Files that make a start faster and can be made again at any time."""
        return self.data_dir / "kept"

    @property
    def channels_path(self) -> Path:
        """Channels for notifications; the file holds secrets."""
        return self.data_dir / "channels.toml"

    def bootstrap(self) -> str:
        """Return the broker's address: the configured one, or what the embedded broker wrote.

        Raises ConfigurationInvalid when there is none.
        """
        if self.kafka:
            return self.kafka
        address = self.data_dir / "kafka.address"
        if not address.exists():
            raise ConfigurationInvalid(Message("no_broker", path=address))
        return address.read_text().strip()

    def kafka_password(self) -> str:
        """Return the password of the embedded broker, with which clients log in; it is made at the first call."""
        return secret_file(self.data_dir / _KAFKA_PASSWORD)

    def without_kafka_password(self) -> str:
        """Remove the password of an embedded broker that requires none, and return an empty one."""
        (self.data_dir / _KAFKA_PASSWORD).unlink(missing_ok=True)
        return ""

    def admin_token(self) -> str:
        """Return IOC_ADMIN_TOKEN, else the token in `admin.token` (made at the first call, mode 600)."""
        return self.configured_admin_token or secret_file(self.data_dir / "admin.token")

    def lab_key(self) -> str:
        """Return the key with which `ioc serve` signs requests to the lab (made at the first call, mode 600)."""
        return secret_file(self.data_dir / "keys" / "lab.key")

    def login_key(self) -> str:
        """Return the key that marks browsers which have logged in before (made at the first call, mode 600)."""
        return secret_file(self.data_dir / "keys" / "login.key")

    def personal_key(self) -> str:
        """Return the key with which personal fields are hashed (made at the first call, mode 600)."""
        return secret_file(self.data_dir / "keys" / "personal.key")

    def source_token(self, source: str) -> str:
        """Return the token of a push source (made at the first call, mode 600)."""
        return secret_file(self.data_dir / "tokens" / f"{source}.token")


def secret_file(path: Path) -> str:
    """Return the content of a secret file; a missing one is made with 256 random bits and mode 600, without a race."""
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
    """Write `ioc.toml` with the province unless it exists, so that later starts need no variable."""
    path = settings.data_dir / FILE
    if not path.exists():
        write_atomically(
            path,
            f"# Settings of this centre; a variable such as IOC_PROVINCE overrides its key here.\n"
            f'# Keys: {", ".join(FILE_KEYS)}.\nprovince = "{settings.province}"\n',
        )


def _of_file(path: Path) -> dict[str, str]:
    """Return the file's values as texts by key; nothing without a file. Raises SettingInvalid."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as fault:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        raise SettingInvalid("settings_file_unreadable", path=str(path), reason=str(fault)) from None
    for key, value in content.items():
        if key not in FILE_KEYS:
            known = ", ".join(FILE_KEYS)
            raise SettingInvalid("settings_key_unknown", path=str(path), key=repr(key), known=known)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise SettingInvalid("settings_key_mistyped", path=str(path), key=key)
    return {key: str(value) for key, value in content.items()}
