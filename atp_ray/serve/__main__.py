"""`python -m atp_ray.serve`: serve live simulations, and the checkpoints that play in them, over HTTP."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import ray
from ray.actor import ActorHandle
from rich.console import Console

from actors.agent import PlayerSpec
from actors.population import create_population
from actors.sandboxes import create_sandboxes
from atp_ray.checkpoint.engine_changes import engine_change
from atp_ray.checkpoint.hub import require_available
from atp_ray.checkpoint.names import POLICIES, resolve_checkpoints
from atp_ray.checkpoint.profiles import EndpointProfile, Modelless, ModelProfile, Profile
from atp_ray.cli.parsing import parse_options
from atp_ray.cli.run import report_console, run_command
from atp_ray.errors import AtpError, UsageError
from atp_ray.live.creation import Offer
from atp_ray.play.workload import Demand
from atp_ray.sandbox.isolation import Isolation
from atp_ray.serve.options import ServeOptions
from atp_ray.simulate.watch import CONTROL_TOKEN, READ_TOKEN
from atp_ray.storage.run_folder import run_lock
from serve_deployments.engine_groups import engine_count
from serve_deployments.engine_plans import planning_of
from serve_deployments.haproxy import remove_files, restart_with_haproxy, uses_haproxy
from serve_deployments.http_port import open_http, require_free_port
from serve_deployments.lease import leased
from serve_deployments.model_app import await_models, start_models, start_openai
from serve_deployments.simulation_api.access import Access, is_loopback
from serve_deployments.simulation_api.deployment import APP_NAME, HostLimits, deploy_api, start_host
from tune_sweeps.connection import connected, find_cluster

OPENAI_PREFIX = "/openai"


def main(argv: Sequence[str]) -> int:
    """Run the command until it is interrupted; returns its exit code."""
    return run(parse_options(ServeOptions, argv, "python -m atp_ray.serve"))


def run(options: ServeOptions) -> int:
    """Serve until the process is interrupted; returns the exit code."""
    address = find_cluster(options.address, report_console().print)
    if options.proxy == "haproxy" and not uses_haproxy():
        restart_with_haproxy(address)
    stop = threading.Event()

    def heed_signals() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())

    run_service(options, address, report_console(), stop, on_checked=heed_signals)
    remove_files()
    return 0


def run_service(
    arguments: ServeOptions,
    address: str | None,
    console: Console,
    stop: threading.Event,
    on_checked: Callable[[], None] = lambda: None,
) -> None:
    """Serve until `stop` is set.

    Args:
        arguments: what is served, where and how.
        address: of the cluster to use, None for a Ray of its own.
        on_checked: called once nothing is left to refuse and the starting begins.

    Raises:
        UsageError, EngineError, StorageError: it cannot be served.
    """
    change = engine_change(arguments.set, arguments.replicas, arguments.tensor_parallel, arguments.max_model_len)
    profiles = list(change.apply(_profiles(arguments.checkpoint, arguments.base_url)).values())
    access = _access(arguments.host)
    webhooks = dict(_webhook(given) for given in arguments.webhook)
    if address is None:
        require_free_port(arguments.host, arguments.port)
    models = [profile for profile in profiles if isinstance(profile, ModelProfile)]
    require_available(models, elsewhere=address is not None)
    requests = arguments.agents * arguments.running
    demands = {profile.name: Demand(requests, 0, 0, profile.sampling.max_tokens) for profile in models}
    planning = planning_of(arguments.gpus, arguments.gpu_type, demands)
    on_checked()
    url = f"http://{arguments.host}:{arguments.port}"
    with (
        run_lock(arguments.state),
        connected(address, n_engines=engine_count(models)),
        leased(address is not None, arguments.keep) as lease,
    ):
        lease.hold_alone(APP_NAME)
        with console.status("starting Ray Serve") as status:
            open_http(arguments.host, arguments.port)
            # The models' own front knows no tokens: where the service is not for this machine only, it stays closed.
            local = is_loopback(arguments.host)
            if models and local:
                served = start_openai(models, OPENAI_PREFIX, lease, planning)
            else:
                served = start_models(models, lease, planning)
            solvers = any(not isinstance(profile, Modelless) for profile in profiles)
            sandboxes, sandbox_actors = _start_sandboxes(console, arguments.sandbox) if solvers else ((), [])
            tools = bool(sandboxes)
            players = [PlayerSpec(profile, served.deployments.get(profile.name)) for profile in profiles]
            status.update(f"starting {arguments.agents} agents")
            population, agents = create_population(arguments.agents, players, arguments.agents_per_actor, sandboxes)
            limits = HostLimits(arguments.running, arguments.pace, tools=tools)
            host_name, host = start_host(arguments.state, population, profiles, limits, webhooks)
            # The service answers while engines start; a round played meanwhile waits for its engine.
            offer = Offer({profile.name: profile for profile in profiles}, served.places(), arguments.agents, tools)
            deploy_api(host_name, offer, access)
        console.print(f"Dashboard:   {url}/", soft_wrap=True)
        console.print(f"Simulations: {url}/v1/simulations  (described in {url}/openapi.json)", soft_wrap=True)
        if models and local:
            console.print(f"Models:      {url}{OPENAI_PREFIX}/v1  (OpenAI-compatible)", soft_wrap=True)
        console.print(f"State:       {arguments.state}", soft_wrap=True)
        console.print(f"Next:        open {url}/ or python -m atp_ray.simulate --live {url}", soft_wrap=True)
        with console.status("") as status:
            await_models(served, lambda phase: status.update(f"starting {phase}"), stop)
        console.print("Ready:       every checkpoint answers")
        while not stop.wait(1):
            with suppress(ray.exceptions.RayError):  # it is being restarted; the next call wakes it
                ray.get(host.ready.remote())
        del agents, sandbox_actors


def _profiles(names: Sequence[str], base_url: str | None) -> dict[str, Profile]:
    """Return the available checkpoints by name: those asked for, and every policy."""
    every = dict.fromkeys([*names, *(f"policy:{policy}" for policy in POLICIES)])
    profiles = resolve_checkpoints(every, base_url)
    if any(isinstance(profile, EndpointProfile) for profile in profiles.values()) and base_url is None:
        raise UsageError("needs the endpoint's address", "--checkpoint", "Give --base-url URL")
    return profiles


def _start_sandboxes(console: Console, sandbox: Isolation) -> tuple[tuple[str, ...], list[ActorHandle[Any]]]:
    """Start a sandbox on each node, or say why there is none: all else is served all the same."""
    try:
        return create_sandboxes(sandbox, sum(node["Alive"] for node in ray.nodes()))
    except AtpError as error:
        console.print(f"Tool usage is not available: {error}", soft_wrap=True, markup=False)
        return (), []


def _access(host: str) -> Access:
    """Return the tokens of the environment; a service that others can reach needs one.

    Raises:
        UsageError: it has none.
    """
    access = Access(read_token=os.environ.get(READ_TOKEN) or None, control_token=os.environ.get(CONTROL_TOKEN) or None)
    if not is_loopback(host) and not access.control_token:
        raise UsageError(f"{host} can be reached by others", "--host", f"Set {CONTROL_TOKEN} (and {READ_TOKEN})")
    return access


def _webhook(given: str) -> tuple[str, str]:
    """Return name and address of a webhook.

    Raises:
        UsageError: it is not NAME=URL.
    """
    name, _, address = given.partition("=")
    if not name or urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).hostname:
        raise UsageError(
            f"'{given}' is not NAME=URL", "--webhook", "For example --webhook ops=https://example.org/tips"
        )
    return name, address


if __name__ == "__main__":
    run_command(main)
