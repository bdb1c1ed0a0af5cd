"""HTTP push: sector systems send records to the centre."""

from connectors.http_push.connector import HttpPush, PushAnswer, PushEndpoint

__all__ = ["HttpPush", "PushAnswer", "PushEndpoint"]
