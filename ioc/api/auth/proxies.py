"""Proxies that may say for whom they ask; what others say of themselves is not believed."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from ioc.errors import ConfigurationInvalid


class TrustedProxies:
    """Addresses and networks; `in` tells whether an address is one of them.

    Their headers X-Forwarded-For and X-Forwarded-Proto are read by uvicorn; `Forwarded` and X-Forwarded-Host are not
    read at all, since the centre knows its own address (IOC_ADDRESS).
    """

    def __init__(self, addresses: Iterable[str] = ()) -> None:
        """Read addresses and networks. Raises ConfigurationInvalid naming the one that is neither."""
        self._networks: list[IPv4Network | IPv6Network] = []
        self.addresses = tuple(addresses)
        for text in self.addresses:
            try:
                self._networks.append(ip_network(text))
            except ValueError:
                raise ConfigurationInvalid(
                    f"IOC_TRUSTED_PROXIES names {text!r}, which is neither an address (10.0.0.5) nor a network "
                    "(10.0.0.0/24)."
                ) from None

    def __contains__(self, address: object) -> bool:
        try:
            found = ip_address(str(address))
        except ValueError:
            return False
        return any(found in network for network in self._networks)
