"""`report export RUN --to FORMAT`: a run in the format of another tool."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from atp_ray.cli.run import report_console
from atp_ray.errors import UsageError
from atp_ray.report.options import EXPORTS, ExportOptions
from atp_ray.storage.places import join
from atp_ray.storage.run_places import delivered, read_run


def export(options: ExportOptions) -> int:
    """Write what the options ask for; returns the exit code."""
    console = report_console()
    with (
        read_run(options.run) as opened,
        delivered(options.out or join(options.run, f"export-{options.to}")) as out,
    ):
        out.folder.mkdir(parents=True, exist_ok=True)
        module = _exporter(options.to)
        for path in module.write(opened.folder, out.folder):
            console.print(f"Written: {out.shown(path)}", soft_wrap=True)
    return 0


def _exporter(name: str) -> ModuleType:
    """Return the module that writes a format.

    Raises:
        UsageError: it needs a package that is not installed.
    """
    try:
        return import_module(f"atp_ray.report.exports.{EXPORTS[name]}")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "atp_ray"):
            raise
        hint = f"Install it: make setup EXTRAS=test,{name}, or pip install 'atp_ray[{name}]'"
        raise UsageError(f"needs the package {package}, which is not installed", f"--to {name}", hint) from error
