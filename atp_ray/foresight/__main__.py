"""`python -m atp_ray.foresight`: fit how a model responds to what it sees, and foresee where its populations tip."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_settings import get_subcommand

from atp_ray.cli.parsing import parse_options
from atp_ray.cli.run import run_command
from atp_ray.errors import UsageError
from atp_ray.foresight.fit import fit
from atp_ray.foresight.interventions import interventions
from atp_ray.foresight.options import FitOptions, ForesightOptions, InterventionOptions, PredictOptions, RatesOptions
from atp_ray.foresight.predict import predict
from atp_ray.foresight.rates import rates


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return run(parse_options(ForesightOptions, argv, "python -m atp_ray.foresight"))


def run(options: ForesightOptions) -> int:
    """Do what the options ask for; returns the exit code."""
    match get_subcommand(options):
        case FitOptions() as fitting:
            return fit(fitting)
        case PredictOptions() as predicting:
            return predict(predicting)
        case InterventionOptions() as stopping:
            return interventions(stopping)
        case RatesOptions() as foretold:
            return rates(foretold)
    raise UsageError("no subcommand given")


if __name__ == "__main__":
    run_command(main)
