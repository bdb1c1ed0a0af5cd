"""Headers that tell the lab who the caller is. They are signed: only `ioc serve` and the lab have the key."""

import hmac
from collections.abc import Iterable, Mapping
from hashlib import sha256

CALLER_HEADER = "X-IOC-Caller"
PERMISSIONS_HEADER = "X-IOC-Permissions"
SIGNATURE_HEADER = "X-IOC-Signature"
FORWARDED_HEADERS = (CALLER_HEADER, PERMISSIONS_HEADER, SIGNATURE_HEADER)


def signed_headers(key: str, name: str, permissions: Iterable[str]) -> dict[str, str]:
    """Return the headers for a caller. `name` may contain any characters: its UTF-8 bytes are sent as Latin-1."""
    caller, allowed = name.encode().decode("latin-1"), ",".join(sorted(permissions))
    return {
        CALLER_HEADER: caller,
        PERMISSIONS_HEADER: allowed,
        SIGNATURE_HEADER: _signature(key, caller, allowed),
    }


def is_signed(key: str, headers: Mapping[str, str]) -> bool:
    """Return whether the headers were made with `key` and not changed."""
    right = _signature(key, headers.get(CALLER_HEADER, ""), headers.get(PERMISSIONS_HEADER, ""))
    return hmac.compare_digest(right.encode(), headers.get(SIGNATURE_HEADER, "").encode("latin-1", "replace"))


def _signature(key: str, caller: str, permissions: str) -> str:
    return hmac.new(key.encode(), f"{caller}\n{permissions}".encode("latin-1"), sha256).hexdigest()
