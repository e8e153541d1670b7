"""Deploy checkpoints on Ray Serve: one application per model, shared by all agents, and an HTTP front for outsiders."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterable

import ray
from ray import serve
from ray.serve.schema import ApplicationStatus

from actors.model_clients import Deployment
from atp_ray.checkpoint_profiles import ModelProfile
from atp_ray.errors import EngineError, UsageError
from serve_deployments.engine_options import ENGINE_ENVIRONMENT, llm_options, runs_on_gpu


def deploy_models(profiles: Iterable[ModelProfile]) -> dict[str, Deployment]:
    """Start one engine deployment per profile and wait until each answers; keyed by the profile's name.

    On a cluster that already serves a profile, its engine is used.

    Raises:
        UsageError: a profile needs more GPUs than the cluster has.
        EngineError: an engine does not start; carries its last message.
    """
    wanted = list(profiles)
    gpus = ray.cluster_resources().get("GPU", 0)
    on_gpu = {profile.name: runs_on_gpu(profile, gpus) for profile in wanted}
    if wanted:
        # Agents come by handle; without an HTTP proxy a sweep needs no port.
        serve.start(proxy_location="Disabled")
    return {profile.name: _deploy(profile, on_gpu[profile.name]) for profile in wanted}


def serve_openai(profile: ModelProfile, host: str, port: int) -> str:
    """Serve a checkpoint over the OpenAI-compatible HTTP API and return its base URL.

    Raises:
        UsageError: the port is in use, or the profile needs more GPUs than the cluster has.
        EngineError: the engine does not start.
    """
    _quieten_vllm()
    from ray.serve.llm import LLMConfig, build_openai_app

    from serve_deployments.llm_server import AgentLLMServer

    require_free_port(host, port)
    on_gpu = runs_on_gpu(profile, ray.cluster_resources().get("GPU", 0))
    serve.start(http_options={"host": host, "port": port})
    config = LLMConfig(**llm_options(profile, on_gpu), server_cls=AgentLLMServer)
    _run(build_openai_app({"llm_configs": [config]}), profile, route_prefix="/")
    return f"http://{host}:{port}/v1"


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


def _deploy(profile: ModelProfile, on_gpu: bool) -> Deployment:
    _quieten_vllm()
    from ray.serve.llm import LLMConfig, build_llm_deployment

    from serve_deployments.llm_server import AgentLLMServer

    config = LLMConfig(**llm_options(profile, on_gpu), server_cls=AgentLLMServer)
    app = build_llm_deployment(config)
    running = serve.status().applications.get(_app_name(profile))
    if running is None or running.status != ApplicationStatus.RUNNING:
        _run(app, profile, route_prefix=None)
    return Deployment(_app_name(profile), app._bound_deployment.name, profile.coalesce)


def _run(app: serve.Application, profile: ModelProfile, route_prefix: str | None) -> None:
    name = _app_name(profile)
    try:
        serve.run(app, name=name, route_prefix=route_prefix)
    except RuntimeError as error:
        reason = _reason(name) or str(error)
        serve.delete(name, _blocking=False)
        hint = "Check the checkpoint and the engine's memory and length settings in its profile"
        raise EngineError(f"the engine of checkpoint '{profile.name}' did not start: {reason}", hint=hint) from error


def _quieten_vllm() -> None:
    """Keep vLLM's import messages off the user's terminal, unless the environment asks for them."""
    os.environ.setdefault("VLLM_LOGGING_LEVEL", ENGINE_ENVIRONMENT["VLLM_LOGGING_LEVEL"])


def _app_name(profile: ModelProfile) -> str:
    """Return a name that says which engine this is: the same profile on the same cluster is deployed once."""
    digest = hashlib.sha256(profile.model_dump_json().encode()).hexdigest()[:8]
    return f"model-{profile.name}-{digest}".replace("/", "--")


def _reason(name: str) -> str | None:
    """Return the last line of what Serve reports about a failed application."""
    status = serve.status().applications.get(name)
    messages = [deployment.message for deployment in status.deployments.values()] if status else []
    lines = [line.strip() for message in messages for line in message.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line]
    reasons: list[str] = errors or lines
    return reasons[-1] if reasons else None
