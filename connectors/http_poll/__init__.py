"""HTTP poll: the centre asks a REST source at intervals."""

from connectors.http_poll.connector import HttpPoll

__all__ = ["HttpPoll"]
