"""The HTTP interface of the centre: REST, websocket and pages."""

from ioc.api.app import create_app
from ioc.api.context import ApiContext
from ioc.api.live.hub import Hub
from ioc.api.server import serve

__all__ = ["ApiContext", "Hub", "create_app", "serve"]
