"""Proxies whose forwarding headers are trusted."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network


class TrustedProxies:
    """Addresses and networks of proxies; `in` tests whether an address belongs to them.

    Uvicorn reads X-Forwarded-For and X-Forwarded-Proto from them, and from nobody else. `Forwarded` and
    X-Forwarded-Host are never read: the centre knows its own address (IOC_ADDRESS).
    """

    def __init__(self, addresses: Iterable[str] = ()) -> None:
        """Read addresses and networks, which `ioc.settings` has checked."""
        self.addresses = tuple(addresses)
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(text) for text in self.addresses]

    def __contains__(self, address: object) -> bool:
        try:
            found = ip_address(str(address))
        except ValueError:
            return False
        return any(found in network for network in self._networks)
