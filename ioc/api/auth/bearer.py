"""Bearer tokens: read them from a request, and compare them in constant time."""

import re
from hmac import compare_digest
from secrets import token_urlsafe

from fastapi import Request
from fastapi.security import HTTPBearer

from ioc.api.context import ApiContext
from ioc.api.http.problems import Problem
from ioc.messages import Message

SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NOBODYS_TOKEN = token_urlsafe(32)
source_scheme = HTTPBearer(scheme_name="source", description="`ioc source token NAME`", auto_error=False)


def bearer(request: Request) -> str:
    """Return the token of `Authorization: Bearer …`; empty without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def matches_secret(token: str, right: str | None) -> bool:
    """Compare in the same time whichever character is wrong, and also when there is no right token."""
    same = compare_digest(token.encode(), (right or _NOBODYS_TOKEN).encode())
    return same and bool(right)


def check_source_token(context: ApiContext, source: str, token: str) -> None:
    """Raise Problem (401) unless the token is that of the push source."""
    right = context.source_token(source) if SOURCE_NAME.fullmatch(source) else None
    if not matches_secret(token, right):
        raise unauthorized(Message("source_token_needed"))


def unauthorized(detail: Message) -> Problem:
    """Return the problem 401 with the header that RFC 9110 requires."""
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="ioc"'})
