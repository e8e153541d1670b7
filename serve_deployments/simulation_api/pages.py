"""The dashboard: one page and its files, served without a build step."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).resolve().parents[1] / "dashboard"
# Asked again each time (and answered "unchanged"): after an upgrade no browser mixes old modules with new ones.
ALWAYS_ASK = {"Cache-Control": "no-cache"}

pages = APIRouter(include_in_schema=False)


class DashboardFiles(StaticFiles):
    """The modules and styles of the page."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return one file."""
        response = await super().get_response(path, scope)
        response.headers.update(ALWAYS_ASK)
        return response


@pages.get("/")
async def dashboard() -> FileResponse:
    """Return the page."""
    return FileResponse(FOLDER / "index.html", headers=ALWAYS_ASK)
