"""Serve the pages. All of them are one build of the UI in `ioc/api/static`."""

from pathlib import Path

from fastapi import APIRouter, FastAPI, Response
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

STATIC = Path(__file__).parents[1] / "static"
PAGES = (
    "/wall/{display}",
    "/ops",
    "/login",
    "/catalog",
    "/catalog/{kpi}",
    "/sources",
    "/lab",
    "/explore",
    "/reports",
    "/open",
)
_NOT_BUILT = """<!doctype html>
<html lang="vi"><meta charset="utf-8"><title>IOC</title>
<h1>Giao diện chưa được dựng</h1>
<p>The pages are not built yet: run <code>make up</code>, or <code>npm run build</code> in <code>ui/</code>.</p>
<p>The API is there: <a href="{base}/docs">/docs</a>.</p>
</html>
"""


class Assets(StaticFiles):
    """Static files whose names contain a hash of their content, so that browsers may keep them forever."""

    def file_response(self, *arguments: object, **named: object) -> Response:
        """Return the file with a header that allows browsers to keep it for a year."""
        response = super().file_response(*arguments, **named)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def page_text(built: Path, base: str) -> str:
    """Return the HTML of the page with scripts, styles and icon below `base`."""
    return built.read_text(encoding="utf-8").replace('="/assets/', f'="{base}/assets/')


def install(app: FastAPI, static: Path = STATIC, base: str = "") -> None:
    """Add the pages and their files to `app`. `base` is the base path of the centre, empty at the root."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def first_page() -> Response:
        return RedirectResponse(f"{base}/wall/main", 307)

    async def page() -> Response:
        built = static / "index.html"
        if not built.is_file():
            return HTMLResponse(_NOT_BUILT.replace("{base}", base), 503)
        headers = {"Cache-Control": "no-cache"}
        return HTMLResponse(page_text(built, base), headers=headers) if base else FileResponse(built, headers=headers)

    for path in PAGES:
        router.add_api_route(path, page, methods=["GET"])
    app.include_router(router)
    app.mount("/assets", Assets(directory=static / "assets", check_dir=False))
