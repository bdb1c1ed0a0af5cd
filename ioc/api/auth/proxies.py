"""Proxies that may say for whom they ask; what others say of themselves is not believed."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network


class TrustedProxies:
    """Addresses and networks; `in` tells whether an address is one of them.

    Their headers X-Forwarded-For and X-Forwarded-Proto are read by uvicorn; `Forwarded` and X-Forwarded-Host are not
    read at all, since the centre knows its own address (IOC_ADDRESS).
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
