"""`python -m atp_ray.report`: what is made of the results of runs."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_settings import get_subcommand

from atp_ray.cli.parsing import parse_options
from atp_ray.cli.run import run_command
from atp_ray.errors import UsageError
from atp_ray.report.compare import compare_command
from atp_ray.report.export import export
from atp_ray.report.options import CompareOptions, ExportOptions, PowerOptions, ReportOptions, ShowOptions
from atp_ray.report.power import power_command
from atp_ray.report.show import show


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return run(parse_options(ReportOptions, argv, "python -m atp_ray.report"))


def run(options: ReportOptions) -> int:
    """Do what the options ask for; returns the exit code."""
    match get_subcommand(options):
        case ShowOptions() as shown:
            return show(shown)
        case ExportOptions() as exported:
            return export(exported)
        case CompareOptions() as compared:
            return compare_command(compared)
        case PowerOptions() as asked:
            return power_command(asked)
    raise UsageError("no subcommand given")


if __name__ == "__main__":
    run_command(main)
