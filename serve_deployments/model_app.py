"""Deploy checkpoints on Ray Serve: one application per model, shared by all agents, and an HTTP front for outsiders."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

import ray
from ray import serve
from ray.serve.schema import ApplicationStatus, ProxyStatus

from actors.model_clients import Deployment
from atp_ray.checkpoint_profiles import ModelProfile
from atp_ray.errors import EngineError, UsageError
from serve_deployments.engine_groups import EngineGroup, engine_groups
from serve_deployments.engine_options import ENGINE_ENVIRONMENT, llm_options, runs_on_gpu

OPENAI_APP = "openai"
HTTP_TIMEOUT_S = 180.0


def deploy_models(profiles: Iterable[ModelProfile]) -> dict[str, Deployment]:
    """Start one engine for each base model and wait until it answers; keyed by the profile's name.

    Adapters are served by the engine of their base. On a cluster that already serves the same group of checkpoints, its
    engine is used.

    Raises:
        UsageError: a profile needs more GPUs than the cluster has.
        EngineError: an engine does not start; carries its last message.
    """
    groups = engine_groups(profiles)
    gpus = ray.cluster_resources().get("GPU", 0)
    on_gpu = [runs_on_gpu(group.base, gpus) for group in groups]
    if groups:
        # Agents come by handle; without an HTTP proxy a sweep needs no port.
        serve.start(proxy_location="Disabled")
    deployments: dict[str, Deployment] = {}
    for group, gpu in zip(groups, on_gpu, strict=True):
        app_name, deployment_name = _deploy(group, gpu)
        for profile in group.members:
            adapter = group.adapter_name(profile)
            deployments[profile.name] = Deployment(app_name, deployment_name, profile.coalesce, adapter)
    return deployments


def serve_openai(profiles: Sequence[ModelProfile], prefix: str) -> dict[str, Deployment]:
    """Serve checkpoints over the OpenAI-compatible HTTP API under `prefix`; agents reach the same engines by handle.

    An adapter's model name is `BASE:NAME`, all others are served under their own. Serve's HTTP port must be open.

    Raises:
        UsageError: a profile needs more GPUs than the cluster has.
        EngineError: the engine does not start.
    """
    _quieten_vllm()
    from ray.serve.llm import LLMConfig, build_openai_app

    from serve_deployments.llm_server import AgentLLMServer

    gpus = ray.cluster_resources().get("GPU", 0)
    groups = engine_groups(profiles)
    configs = [
        LLMConfig(**llm_options(group, runs_on_gpu(group.base, gpus)), server_cls=AgentLLMServer) for group in groups
    ]
    names = ", ".join(profile.name for profile in profiles)
    _run(build_openai_app({"llm_configs": configs}), OPENAI_APP, names, route_prefix=prefix)
    deployments = {}
    for group in groups:
        # As ray.serve.llm names it.
        deployment = f"{AgentLLMServer.__name__}:{group.model_id.replace('/', '--').replace('.', '_')}"
        for profile in group.members:
            adapter = group.adapter_name(profile)
            deployments[profile.name] = Deployment(OPENAI_APP, deployment, profile.coalesce, adapter)
    return deployments


def open_http(host: str, port: int) -> None:
    """Open Serve's HTTP port and wait until it is.

    Raises:
        UsageError: it is in use, out of range or not permitted.
        EngineError: it does not open in time.
    """
    require_free_port(host, port)
    # On a busy machine Serve gives up on a slow proxy, starts another and gives that one longer.
    with suppress(ray.exceptions.RayActorError, TimeoutError):
        serve.start(http_options={"host": host, "port": port})
    deadline = time.monotonic() + HTTP_TIMEOUT_S
    while not _proxies_are_healthy():
        if time.monotonic() > deadline:
            what = f"the HTTP port {host}:{port} did not open within {HTTP_TIMEOUT_S:.0f} s"
            raise EngineError(what, hint="Is the machine overloaded? Try again when it is not")
        time.sleep(0.2)


def _proxies_are_healthy() -> bool:
    proxies = serve.status().proxies.values()
    return bool(proxies) and all(proxy == ProxyStatus.HEALTHY for proxy in proxies)


def require_free_port(host: str, port: int) -> None:
    """Check that `port` can be bound.

    Raises:
        UsageError: it is in use, out of range or not permitted.
    """
    if not 0 < port < 65536:
        raise UsageError(f"port {port} is out of range", "--port", "Use 1024..65535")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or str(error)
            raise UsageError(f"cannot listen on {host}:{port}: {reason}", "--port", "Choose another port") from error


def _deploy(group: EngineGroup, on_gpu: bool) -> tuple[str, str]:
    """Return the names of the application and the deployment that serve a group."""
    _quieten_vllm()
    from ray.serve.llm import LLMConfig, build_llm_deployment

    from serve_deployments.llm_server import AgentLLMServer

    config = LLMConfig(**llm_options(group, on_gpu), server_cls=AgentLLMServer)
    app = build_llm_deployment(config)
    name = _app_name(group)
    running = serve.status().applications.get(name)
    if running is None or running.status != ApplicationStatus.RUNNING:
        _run(app, name, group.model_id, route_prefix=None)
    return name, app._bound_deployment.name


def _run(app: serve.Application, name: str, checkpoint: str, route_prefix: str | None) -> None:
    try:
        serve.run(app, name=name, route_prefix=route_prefix)
    except RuntimeError as error:
        reason = _reason(name) or str(error)
        serve.delete(name, _blocking=False)
        hint = "Check the checkpoint and the engine's memory and length settings in its profile"
        raise EngineError(f"the engine of checkpoint '{checkpoint}' did not start: {reason}", hint=hint) from error


def _quieten_vllm() -> None:
    """Keep vLLM's import messages off the user's terminal, unless the environment asks for them."""
    os.environ.setdefault("VLLM_LOGGING_LEVEL", ENGINE_ENVIRONMENT["VLLM_LOGGING_LEVEL"])


def _app_name(group: EngineGroup) -> str:
    """Return a name that says which engine this is: the same group on the same cluster is deployed once."""
    text = "".join(profile.model_dump_json() for profile in (group.base, *group.members))
    return f"model-{group.model_id}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".replace("/", "--")


def _reason(name: str) -> str | None:
    """Return the last line of what Serve reports about a failed application."""
    status = serve.status().applications.get(name)
    messages = [deployment.message for deployment in status.deployments.values()] if status else []
    lines = [line.strip() for message in messages for line in message.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line]
    reasons: list[str] = errors or lines
    return reasons[-1] if reasons else None
