"""`foresight fit`: a run of games, or a table of interactions, becomes a response."""

from __future__ import annotations

from atp_ray.cli.run import report_console
from atp_ray.errors import UsageError
from atp_ray.foresight.fit_interactions import fit_interactions
from atp_ray.foresight.fit_run import fit_run
from atp_ray.foresight.options import FitOptions


def fit(options: FitOptions) -> int:
    """Fit a response and write it; returns the exit code."""
    console = report_console()
    if (options.run is None) == (options.interactions is None):
        raise UsageError("give a run, or a table with --interactions", "fit", "One of the two")
    if options.run is not None:
        fit_run(console, options, options.run)
    elif options.interactions is not None:
        for name in ("model", "names"):
            if getattr(options, name) is None:
                raise UsageError("is required with --interactions", f"--{name}", "See --help")
        fit_interactions(console, options, options.interactions, str(options.model))
    return 0
