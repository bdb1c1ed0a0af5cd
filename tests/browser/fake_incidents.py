"""Incidents of the fake desk."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.browser import province
from tests.browser.desk_rows import incident_row
from tests.browser.province import Json

if TYPE_CHECKING:
    from tests.browser.fake_desk import FakeDesk

WORDS = {"do_step": "step_done", "undo_step": "step_undone", "close": "closed", "comment": "commented"}
WORDS |= {"assign": "assigned", "reopen": "reopened"}


def routes(desk: "FakeDesk") -> list[Route]:
    def named(request: Request) -> Json:
        return next(row for row in desk.incidents if row["id"] == request.path_params["id"])

    def note(incident: Json, act: str, of: str, text: str) -> None:
        now = province.rfc3339(desk.now())
        incident["timeline"].append({"at": now, "by": desk.role, "act": act, "of": of, "text": text})

    async def all_incidents(request: Request) -> Response:
        if (refused := desk.may_not()) is not None:
            return refused
        return JSONResponse({"incidents": desk.incidents, "closing_reasons": ["solved", "false_alarm"]})

    async def open_one(request: Request) -> Response:
        if (refused := desk.refused(request)) is not None:
            return refused
        given = await request.json()
        desk.told.append(("POST", request.url.path, given))
        desk.incidents.insert(0, incident_row(given["title"], given["alerts"], desk.now(), desk.role))
        return JSONResponse(desk.incidents[0], 201)

    async def act(request: Request) -> Response:
        if (refused := desk.refused(request)) is not None:
            return refused
        given, incident = await request.json(), named(request)
        desk.told.append(("POST", request.url.path, given))
        following, now = incident["procedures"]["integration"], province.rfc3339(desk.now())
        if given["act"] == "do_step":
            following["ticks"][given["of"].split("/")[1]] = {"by": desk.role, "at": now, "note": ""}
        elif given["act"] == "undo_step":
            del following["ticks"][given["of"].split("/")[1]]
        elif given["act"] == "close":
            incident |= {"closed_at": now, "closing_reason": given["of"]}
        elif given["act"] == "reopen":
            incident |= {"closed_at": None, "closing_reason": None}
        elif given["act"] == "assign":
            incident["assignee"] = given["of"]
        following["done"] = len(following["ticks"])
        note(incident, WORDS[given["act"]], given["of"], given["text"])
        return JSONResponse(incident)

    async def attach(request: Request) -> Response:
        if (refused := desk.refused(request)) is not None:
            return refused
        incident, name, content = named(request), request.query_params["name"], await request.body()
        desk.files.append(content)
        file: Json = {"id": f"f{len(desk.files)}", "name": name, "size_bytes": len(content), "by": desk.role}
        incident["attachments"].append(file | {"at": province.rfc3339(desk.now())})
        note(incident, "attached", file["id"], "")
        return JSONResponse(incident, 201)

    async def file(request: Request) -> Response:
        return Response(desk.files[int(request.path_params["file"][1:]) - 1], media_type="application/octet-stream")

    return [
        Route("/api/v1/incidents", all_incidents),
        Route("/api/v1/incidents", open_one, methods=["POST"]),
        Route("/api/v1/incidents/{id}/acts", act, methods=["POST"]),
        Route("/api/v1/incidents/{id}/files", attach, methods=["POST"]),
        Route("/api/v1/incidents/{id}/files/{file}", file),
    ]
