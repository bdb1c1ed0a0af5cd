"""Every environment variable that the centre reads: its key in `ioc.toml`, its default, and what it may hold.

`docs/configuration.md` has the same table for people; a test compares the two. No other module reads the environment.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ioc.model.fault import Param
from ioc.setting_faults import SettingInvalid

WILDCARDS = ("0.0.0.0", "::")
"""Listening addresses that stand for every interface; nobody can open them in a browser."""
MAX_PORT = 65535
MAX_TEXT_CHARACTERS = 1000
_HOST_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\.?")
_BROKER = re.compile(r"(\[[^\]]+\]|[^:\[\]]+):([0-9]{1,5})")
_NOT_IN_ADDRESS = re.compile(r"[\s\"<>\\^`{|}?#]")


class NotAllowed(Exception):
    """A value breaks the rule of its variable; `code` and `params` are those of `SettingInvalid`."""

    def __init__(self, code: str, **params: Param) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


@dataclass(frozen=True)
class Variable:
    """One setting. `read` turns its text into the value and raises NotAllowed.

    `default` is the text that holds without the variable; empty where the default depends on other settings. `former`
    is an earlier name that still works. The value of a `secret` is never shown, and has no key in the file.
    """

    name: str
    read: Callable[[str], Any]
    default: str = ""
    in_file: bool = False
    former: str = ""
    secret: bool = False

    @property
    def key(self) -> str:
        """Key in `ioc.toml`: IOC_HTTP_PORT is `http_port`; empty when the file may not set it."""
        return self.name.removeprefix("IOC_").lower() if self.in_file else ""

    def value(self, environment: Mapping[str, str], file: Mapping[str, str], path: Path) -> Any:
        """Return the value by the variable, else by `file` (texts by key), else by the default; None without any.

        An empty text counts as not set. Raises SettingInvalid, which names `path` where the text came from the file.
        """
        name = self.name if environment.get(self.name) or not self.former else self.former
        text, origin = environment.get(name, ""), ""
        if not text and self.key:
            name, text, origin = self.name, file.get(self.key, ""), f" ({path}: {self.key})"
        if not text and not (text := self.default):
            return None
        try:
            return self.read(text)
        except NotAllowed as fault:
            shown = "…" if self.secret else repr(text)
            raise SettingInvalid(fault.code, setting=f"{name}={shown}{origin}", **fault.params) from None


def _whole_number(minimum: int, maximum: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not minimum <= int(text) <= maximum:
            raise NotAllowed("setting_not_whole_number", min=minimum, max=maximum)
        return int(text)

    return read


def _choice(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise NotAllowed("setting_not_choice", choices=", ".join(choices))
        return text

    return read


def _is_host(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        # Digits and dots alone that are no IP address are a mistyped one, not a name.
        return _HOST_NAME.fullmatch(text) is not None and re.fullmatch(r"[0-9.]+", text) is None
    return True


def _host(text: str) -> str:
    if not _is_host(text):
        raise NotAllowed("setting_not_host")
    return text


def _brokers(text: str) -> str:
    """Return `host:port,host:port` without blanks."""
    addresses = [address.strip() for address in text.split(",")]
    for address in addresses:
        parts = _BROKER.fullmatch(address)
        if parts is None or not _is_host(parts[1].strip("[]")) or not 1 <= int(parts[2]) <= MAX_PORT:
            raise NotAllowed("setting_not_brokers")
    return ",".join(addresses)


def _folder(text: str) -> Path:
    path = Path(text).absolute()
    nearest = next((parent for parent in (path, *path.parents) if parent.exists()), path)
    if not nearest.is_dir():
        raise NotAllowed("setting_not_folder")
    return path


def _pem_file(text: str) -> str:
    try:
        sound = b"-----BEGIN " in Path(text).read_bytes()
    except (OSError, ValueError):
        sound = False
    if not sound:
        raise NotAllowed("setting_not_pem")
    return text


def _plain_text(text: str) -> str:
    if len(text) > MAX_TEXT_CHARACTERS or not text.isprintable():
        raise NotAllowed("setting_not_plain_text", max=MAX_TEXT_CHARACTERS)
    return text


def _token(text: str) -> str:
    if len(text) > MAX_TEXT_CHARACTERS or not re.fullmatch(r"[!-~]+", text):
        raise NotAllowed("setting_not_token", max=MAX_TEXT_CHARACTERS)
    return text


def _outer_address(text: str) -> str:
    """Return the address without a slash at its end; with or without a path."""
    text = text.strip().rstrip("/")
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and parts.hostname not in (*WILDCARDS, None, "") and parts.port != 0
    except ValueError:
        sound = False
    if not sound or "@" in text or _NOT_IN_ADDRESS.search(text):
        raise NotAllowed("setting_not_address")
    return text


def _proxies(text: str) -> tuple[str, ...]:
    """Split addresses and networks at commas and blanks."""
    entries = tuple(text.replace(",", " ").split())
    for entry in entries:
        try:
            ip_network(entry)
        except ValueError:
            raise NotAllowed("setting_not_proxies", entry=repr(entry)) from None
    return entries


@cache
def province_codes() -> tuple[str, ...]:
    """Return the codes of all provinces: the units without a parent, which come first in `units.csv`."""
    with (Path(__file__).parent / "catalog" / "units.csv").open(encoding="utf-8", newline="") as table:
        codes = []
        for row in csv.DictReader(table):
            if row["parent"]:
                break
            codes.append(row["code"])
    return tuple(codes)


def _province(text: str) -> str:
    if text not in province_codes():
        raise NotAllowed("setting_not_province", codes=", ".join(province_codes()))
    return text


def _protocol(text: str) -> str:
    return _choice("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")(text.upper())


_port = _whole_number(1, MAX_PORT)

VARIABLES = (
    Variable("IOC_DATA_DIR", _folder, "var"),
    Variable("IOC_PROVINCE", _province, "46", in_file=True),
    Variable("IOC_HTTP_HOST", _host, "127.0.0.1", in_file=True),
    Variable("IOC_HTTP_PORT", _port, "8080", in_file=True),
    Variable("IOC_ADDRESS", _outer_address, in_file=True, former="IOC_SITE"),
    Variable("IOC_TRUSTED_PROXIES", _proxies, in_file=True),
    Variable("IOC_ANONYMOUS", _choice("viewer", "none"), in_file=True),
    Variable("IOC_ADMIN_TOKEN", _token, secret=True),
    Variable("IOC_KAFKA", _brokers, in_file=True),
    Variable("IOC_KAFKA_SECURITY_PROTOCOL", _protocol),
    Variable("IOC_KAFKA_SASL_MECHANISM", _choice("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")),
    Variable("IOC_KAFKA_SASL_USERNAME", _plain_text),
    Variable("IOC_KAFKA_SASL_PASSWORD", _plain_text, secret=True),
    Variable("IOC_KAFKA_SSL_CAFILE", _pem_file),
    Variable("IOC_KAFKA_SSL_CERTFILE", _pem_file),
    Variable("IOC_KAFKA_SSL_KEYFILE", _pem_file),
    Variable("IOC_PARTITIONS", _whole_number(1, 1024), "4", in_file=True),
    Variable("IOC_SOURCES_DIR", _folder),
    Variable("IOC_CATALOG_DIR", _folder),
    Variable("IOC_QUACK_HOST", _host, "127.0.0.1", in_file=True),
    Variable("IOC_QUACK_PORT", _port, in_file=True),
    Variable("IOC_DEMO", _choice("0", "1"), "0"),
    Variable("IOC_DEMO_DAYS", _whole_number(1, 365), "365", in_file=True),
    Variable("IOC_LANGUAGE", _choice("vi", "en")),
)
FILE_KEYS = tuple(variable.key for variable in VARIABLES if variable.in_file)
"""Keys of `ioc.toml`. Secrets stay out of it."""
