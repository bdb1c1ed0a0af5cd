"""Every address of the permissions table with an example in place of each placeholder."""

from ioc.api.auth.permissions import TABLE

EXAMPLES = {
    "{display}": "main",
    "{display_id}": "main",
    "{kpi}": "dossier.overdue_now",
    "{report}": "online_services",
    "{issue}": "2026-10.1",
    "{source:path}": "demo-push",
    "{key:path}": "none",
    "{name}": "nobody",
    "{rule}": "none",
    "{unit}": "46",
    "{onset}": "1",
    "{source}": "demo-push",
    "{silence_id}": "none",
    "{channel}": "none",
    "{incident}": "none",
    "{query}": "none",
    "{saved}": "1",
    "{file_id}": "none",
    "{file:path}": "x.js",
    "{file}": "start.js",
    "{dataset}": "dich-vu-cong",
}


HTTP_ENTRIES = [entry for entry in TABLE if entry != "GET /ws/v1"]


def address(entry: str) -> tuple[str, str]:
    method, path = entry.split()
    for placeholder, example in EXAMPLES.items():
        path = path.replace(placeholder, example)
    return method, path
