"""The simulation API: create, watch, steer and branch live simulations of LLM agents that learn from experience.

Answers about `tiny` or `policy:*` carry a `label` that says what they are not about. Every error is a problem document
(RFC 9457).
"""

from __future__ import annotations

from fastapi import FastAPI

from atp_ray import __version__
from serve_deployments.simulation_api.access import Access, Guard
from serve_deployments.simulation_api.branch_routes import branches
from serve_deployments.simulation_api.change_routes import changes
from serve_deployments.simulation_api.event_routes import events
from serve_deployments.simulation_api.pages import FOLDER, DashboardFiles, pages
from serve_deployments.simulation_api.problems import handle_problems
from serve_deployments.simulation_api.read_routes import reads
from serve_deployments.simulation_api.service import Service


def build_app(service: Service, access: Access) -> FastAPI:
    """Return the application.

    Args:
        service: the line to the simulations and what is available.
        access: tokens and limits.
    """
    # The pages FastAPI offers for the document load scripts from elsewhere; the document itself stays.
    app = FastAPI(
        title="atp_ray simulations",
        version=__version__,
        description=__doc__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    handle_problems(app)
    app.add_middleware(Guard, access=access)
    for router in (reads, events, changes, branches):
        app.include_router(router, prefix="/v1")
    app.include_router(pages)
    app.mount("/static", DashboardFiles(directory=FOLDER))
    return app
