"""`python -m atp_ray.serve`: serve a checkpoint over the OpenAI-compatible HTTP API, by the engine agents use."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Sequence

from rich.console import Console

from atp_ray.checkpoint_names import model_profile
from atp_ray.cli import run_command
from atp_ray.runs import require_distinct
from serve_deployments.engine_groups import engine_groups
from serve_deployments.model_app import require_free_port, serve_openai
from tune_sweeps.experiment import connected


def main(argv: Sequence[str]) -> int:
    """Run the command until it is interrupted; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m atp_ray.serve", description=__doc__.partition(": ")[2])
    parser.add_argument("--checkpoint", action="append", help="checkpoint to serve; repeat for several (default: tiny)")
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: 127.0.0.1, this machine only)")
    parser.add_argument("--port", type=int, default=8000, help="port to bind (default: 8000)")
    parser.add_argument("--address", help="an existing Ray cluster: auto, or ray://HEAD:10001")
    arguments = parser.parse_args(argv)
    console = Console()
    by_name = {name: model_profile(name) for name in arguments.checkpoint or ["tiny"]}
    require_distinct(by_name)
    profiles = list(by_name.values())
    groups = engine_groups(profiles)
    require_free_port(arguments.host, arguments.port)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    names = [group.adapter_name(profile) or profile.name for group in groups for profile in group.members]
    with connected(arguments.address, n_engines=len(groups)):
        with console.status(f"starting the engine for {', '.join(names)}"):
            url = serve_openai(profiles, arguments.host, arguments.port)
        console.print(f"Serving {', '.join(names)} at {url}", soft_wrap=True)
        console.print(f"Next:    curl {url}/models", soft_wrap=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    run_command(main)
