"""HTTP poll: the centre asks a REST source again and again."""

from connectors.http_poll.connector import HttpPoll

__all__ = ["HttpPoll"]
