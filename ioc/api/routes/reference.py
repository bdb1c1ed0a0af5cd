"""GET /docs: the API's reference in the browser, without asking another host."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, FastAPI, Response
from starlette.responses import FileResponse, HTMLResponse

from ioc.api.http.problems import Problem
from ioc.messages import Message

# fastapi-offline carries Swagger UI's two files; nothing else of it is used.
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


def install(app: FastAPI, base: str = "") -> None:
    """`base` is the path that the centre lies below, empty at the root."""
    router = APIRouter(prefix="/docs", include_in_schema=False)

    @router.get("")
    async def reference() -> Response:
        return HTMLResponse(_PAGE.replace("{base}", base))

    @router.get("/start.js")
    async def start() -> Response:
        return Response(_START.replace("{base}", base), media_type="text/javascript")

    @router.get("/{name}")
    async def asset(name: str) -> Response:
        if name not in _FILES:
            raise Problem(404, Message("nothing_here"))
        return FileResponse(_SWAGGER / name, media_type=_FILES[name], headers={"Cache-Control": "max-age=3600"})

    app.include_router(router)
