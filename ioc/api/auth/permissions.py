"""The permission that each address requires. An address that is not in the table is not served (default deny)."""

import re
from functools import cache

from ioc.model.person import Permission

OPEN = None
"""No permission: files of the pages, login, health. A push checks the token of its source itself."""
_LOOK, _CASES, _ADMIN = Permission.LOOK, Permission.SEE_CASES, Permission.ADMINISTER
_HANDLE, _RULES = Permission.HANDLE_ALERTS, Permission.CHANGE_RULES
_SQL = Permission.ASK_SQL

TABLE: dict[str, Permission | None] = {
    "GET /": OPEN,
    "GET /wall/{display}": OPEN,
    "GET /ops": OPEN,
    "GET /lab": OPEN,
    "GET /explore": OPEN,
    "GET /reports": OPEN,
    "GET /open": OPEN,
    "GET /open/{file}": OPEN,
    "GET /open/{dataset}/dictionary.csv": OPEN,
    "GET /login": OPEN,
    "GET /catalog": OPEN,
    "GET /catalog/{kpi}": OPEN,
    "GET /sources": OPEN,
    "GET /assets/{file:path}": OPEN,
    "GET /docs": OPEN,
    "GET /docs/{file}": OPEN,
    "GET /openapi.json": OPEN,
    "GET /healthz": OPEN,
    "GET /readyz": OPEN,
    "GET /metrics": _LOOK,
    "POST /api/v1/ingest/{source:path}": OPEN,
    "GET /api/v1/session": OPEN,
    "POST /api/v1/session": OPEN,
    "DELETE /api/v1/session": OPEN,
    "PUT /api/v1/session/password": OPEN,
    "GET /ws/v1": _LOOK,
    "GET /api/v1/centre": _LOOK,
    "GET /api/v1/units": _LOOK,
    "GET /api/v1/definitions": _LOOK,
    "GET /api/v1/displays/{display_id}": _LOOK,
    "GET /api/v1/kpis": _LOOK,
    "GET /api/v1/kpis/{kpi}/history": _LOOK,
    "GET /api/v1/kpis/{kpi}/explain": _LOOK,
    "GET /api/v1/restatements": _LOOK,
    "GET /api/v1/sources": _LOOK,
    "POST /api/v1/sources/{source}/replay": _HANDLE,
    "GET /api/v1/ledger": _LOOK,
    "POST /api/v1/ledger/archive": _HANDLE,
    "GET /api/v1/status": _LOOK,
    "GET /api/v1/doctor": _CASES,
    "GET /api/v1/alerts": _LOOK,
    "GET /api/v1/alerts/history": _LOOK,
    "GET /api/v1/alerts/audit": _LOOK,
    "GET /api/v1/alerts/flood": _LOOK,
    "GET /api/v1/alerts/{rule}/{unit}/{onset}": _LOOK,
    "POST /api/v1/alerts/acknowledge": _HANDLE,
    "POST /api/v1/alerts/unacknowledge": _HANDLE,
    "POST /api/v1/alerts/shelve": _HANDLE,
    "POST /api/v1/alerts/unshelve": _HANDLE,
    "POST /api/v1/alerts/close": _HANDLE,
    "POST /api/v1/alerts/comment": _HANDLE,
    "POST /api/v1/alerts/incoming/{source}": OPEN,
    "GET /api/v1/silences": _LOOK,
    "POST /api/v1/silences": _HANDLE,
    "POST /api/v1/silences/check": _HANDLE,
    "GET /api/v1/silences/{silence_id}": _LOOK,
    "DELETE /api/v1/silences/{silence_id}": _HANDLE,
    "GET /api/v1/rules": _LOOK,
    "POST /api/v1/rules/check": _RULES,
    "POST /api/v1/rules/backtest": _RULES,
    "GET /api/v1/rules/{rule}": _LOOK,
    "PUT /api/v1/rules/{rule}": _RULES,
    "DELETE /api/v1/rules/{rule}": _RULES,
    "GET /api/v1/rules/{rule}/versions": _LOOK,
    "POST /api/v1/rules/{rule}/roll-back": _RULES,
    "POST /api/v1/rules/{rule}/out-of-service": _HANDLE,
    "DELETE /api/v1/rules/{rule}/out-of-service": _HANDLE,
    "GET /api/v1/routing": _HANDLE,
    "PUT /api/v1/routing": _RULES,
    "POST /api/v1/routing/check": _RULES,
    "POST /api/v1/routing/test": _HANDLE,
    "GET /api/v1/routing/on-call": _HANDLE,
    "POST /api/v1/routing/on-call": _HANDLE,
    "GET /api/v1/channels": _HANDLE,
    "POST /api/v1/channels/{channel}/test": _RULES,
    "GET /api/v1/deliveries": _HANDLE,
    "POST /api/v1/deliveries/retry": _HANDLE,
    "GET /api/v1/incidents": _HANDLE,
    "POST /api/v1/incidents": _HANDLE,
    "GET /api/v1/incidents/{incident}": _HANDLE,
    "GET /api/v1/incidents/{incident}/export": _HANDLE,
    "POST /api/v1/incidents/{incident}/acts": _HANDLE,
    "POST /api/v1/incidents/{incident}/files": _HANDLE,
    "GET /api/v1/incidents/{incident}/files/{file_id}": _HANDLE,
    "GET /api/v1/explore/{kpi}/series": _LOOK,
    "GET /api/v1/explore/{kpi}/parts": _LOOK,
    "GET /api/v1/explore/{kpi}/forecast": _LOOK,
    "GET /api/v1/explore/{kpi}/sql": _LOOK,
    "GET /api/v1/cases": _CASES,
    "GET /api/v1/dead-letters": _CASES,
    "GET /api/v1/dead-letters/{key:path}": _CASES,
    "POST /api/v1/sql": _SQL,
    "GET /api/v1/reports": _LOOK,
    "GET /api/v1/reports/{report}": _LOOK,
    "GET /api/v1/reports/{report}/issues": _LOOK,
    "POST /api/v1/reports/{report}/issues": _SQL,
    "GET /api/v1/reports/{report}/issues/{issue}": _LOOK,
    "GET /api/v1/reports/{report}/issues/{issue}/{file}": _LOOK,
    "GET /api/v1/lab": _SQL,
    "POST /api/v1/lab/snapshot": _SQL,
    "GET /api/v1/lab/dictionary": _SQL,
    "POST /api/v1/lab/queries": _SQL,
    "GET /api/v1/lab/queries/{query}": _SQL,
    "DELETE /api/v1/lab/queries/{query}": _SQL,
    "GET /api/v1/lab/queries/{query}/rows": _SQL,
    "GET /api/v1/lab/queries/{query}/result": _SQL,
    "POST /api/v1/lab/check": _SQL,
    "POST /api/v1/lab/plan": _SQL,
    "GET /api/v1/lab/history": _SQL,
    "GET /api/v1/lab/saved": _SQL,
    "POST /api/v1/lab/saved": _SQL,
    "GET /api/v1/lab/saved/{saved}": _SQL,
    "PUT /api/v1/lab/saved/{saved}": _SQL,
    "DELETE /api/v1/lab/saved/{saved}": _SQL,
    "GET /api/v1/lab/saved/{saved}/versions": _SQL,
    "GET /api/v1/lab/questions": _SQL,
    "GET /api/v1/lab/metrics": _SQL,
    "POST /api/v1/catalog/reload": _ADMIN,
    "GET /api/v1/people": _ADMIN,
    "GET /api/v1/people/names": _HANDLE,
    "POST /api/v1/people": _ADMIN,
    "PATCH /api/v1/people/{name}": _ADMIN,
    "GET /api/v1/trail": _ADMIN,
}
CSRF_EXEMPT = (
    "POST /api/v1/session",
    "POST /api/v1/ingest/{source:path}",
    "POST /api/v1/alerts/incoming/{source}",
)
"""Changes without a CSRF token: they come before there is a session, or with a token of their own."""


class UnknownAddress(LookupError):
    """The table has no entry for the method and path."""


def find_entry(method: str, path: str) -> str:
    """Return the key of TABLE for a request; HEAD counts as GET. Raises UnknownAddress."""
    wanted = "GET" if method == "HEAD" else method
    for method_of_entry, pattern, entry in _patterns():
        if method_of_entry == wanted and pattern.fullmatch(path):
            return entry
    raise UnknownAddress(f"{method} {path}")


def allowed_methods(path: str) -> frozenset[str]:
    """Return the methods that a path accepts; empty for an unknown path."""
    return frozenset(method for method, pattern, _ in _patterns() if pattern.fullmatch(path))


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    return tuple((entry.split()[0], _pattern(entry.split()[1]), entry) for entry in TABLE)


def _pattern(template: str) -> re.Pattern[str]:
    pieces = re.split(r"(\{\w+(?::path)?\})", template)
    return re.compile(
        "".join(
            re.escape(piece) if not piece.startswith("{") else "(?s:.*)" if piece.endswith(":path}") else "[^/]+"
            for piece in pieces
        )
    )
