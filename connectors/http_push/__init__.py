"""HTTP push: sector systems send records to the centre."""

from connectors.http_push.connector import HttpPush, HttpPushAnswer, HttpPushEndpoint

__all__ = ["HttpPush", "HttpPushAnswer", "HttpPushEndpoint"]
