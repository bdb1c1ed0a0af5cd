"""GET /openapi.json: the API's description. GET /docs: its reference in the browser, without any other host."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.responses import FileResponse, HTMLResponse

from ioc.api.context import Context
from ioc.api.http.base_path import base_path
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.messages import Message

router = APIRouter(include_in_schema=False)

# fastapi-offline contains Swagger UI's two files; nothing else of it is used.
_SWAGGER = Path(str(files("fastapi_offline").joinpath("static")))
_FILES = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>IOC API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{base}/docs/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="{base}/docs/swagger-ui-bundle.js"></script>
<script src="{base}/docs/start.js"></script>
</body>
</html>
"""
_START = (
    'SwaggerUIBundle({ url: "{base}/openapi.json", dom_id: "#reference", deepLinking: true, validatorUrl: null })\n'
)


@router.get("/openapi.json")
async def get_openapi(context: Context, request: Request) -> Response:
    """Return the OpenAPI document. Making it takes a second of a core, so a thread does it."""
    return JsonResponse(await context.threads.run(request.app.openapi))


@router.get("/docs")
async def get_reference(context: Context) -> Response:
    """Return the page of the reference."""
    return HTMLResponse(_PAGE.replace("{base}", base_path(context.settings.address)))


@router.get("/docs/start.js")
async def get_start_script(context: Context) -> Response:
    """Return the script that starts Swagger UI."""
    script = _START.replace("{base}", base_path(context.settings.address))
    return Response(script, media_type="text/javascript")


@router.get("/docs/{name}")
async def get_reference_file(name: str) -> Response:
    """Return one of Swagger UI's files."""
    if name not in _FILES:
        raise Problem(404, Message("nothing_here"))
    return FileResponse(_SWAGGER / name, media_type=_FILES[name], headers={"Cache-Control": "max-age=3600"})
