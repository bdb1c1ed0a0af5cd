"""The outermost middleware: security headers, an answer to unexpected failures, and metrics of requests."""

import logging
import time

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ioc.api.http.problems import RETRY_AFTER_S, UNEXPECTED, answer, unavailable

log = logging.getLogger("ioc.api")

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            "img-src 'self' data:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class SecurityHeaders:
    """ASGI middleware around the whole app.

    Adds security headers, and `Cache-Control: no-store` to responses without a caching rule. Answers unexpected
    failures with a problem (500, or 503 for temporary failures of the machine) and logs them. Counts and times all
    requests.
    """

    def __init__(self, app: ASGIApp, metrics: CollectorRegistry) -> None:
        self._app = app
        self._answers = Counter(
            "ioc_http_answers", "Answers to HTTP requests", ["route", "method", "status"], registry=metrics
        )
        self._seconds = Histogram("ioc_http_seconds", "Time to answer", ["route"], registry=metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as failure:  # the client gets a sentence, the log gets the rest
            passing = unavailable(failure)
            log.error("%s %s: %r", scope["method"], scope["path"], failure, exc_info=None if passing else failure)
            if status:
                raise
            response = (
                answer(scope["path"], 503, passing, headers={"Retry-After": str(RETRY_AFTER_S)})
                if passing
                else answer(scope["path"], 500, UNEXPECTED)
            )
            await response(scope, receive, send_with_headers)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._answers.labels(route, method, status).inc()
            self._seconds.labels(route).observe(time.perf_counter() - began_s)
