"""The vLLM server that writes completions for training: there, willing to take weights, and long enough."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import Field, ValidationError

from atp_ray.alignment.profiles import GrpoProfile
from atp_ray.config_files import Foreign
from atp_ray.errors import UsageError
from tune_sweeps.training_nodes import is_loopback

# A server collects what it says of its machine when it is first asked.
PATIENCE = httpx.Timeout(60.0, connect=10.0)


class ServedModel(Foreign):
    """One entry of `/v1/models`."""

    max_model_len: int


class ServedModels(Foreign):
    """`/v1/models`."""

    data: list[ServedModel] = Field(min_length=1)


class ModelSettings(Foreign):
    """How the server's model was started."""

    logprobs_mode: str


class ServerSettings(Foreign):
    """How the server was started."""

    weight_transfer_config: dict[str, Any] | None
    model: ModelSettings = Field(alias="model_config")


class ServerInfo(Foreign):
    """`/server_info`, which a server has only in development mode."""

    vllm_config: ServerSettings


Answer = TypeVar("Answer", bound=Foreign)


def require_address(profile: GrpoProfile, nodes: int) -> None:
    """Refuse a server's address that means another machine on every node.

    Raises:
        UsageError: a loopback address, and workers on several nodes.
    """
    url = profile.vllm_server_url
    if url is not None and nodes > 1 and is_loopback(urlsplit(url).hostname or ""):
        hint = "Give the host that all nodes reach it by: --set vllm_server_url=http://HOST:8000"
        raise UsageError(f"leads to each of the {nodes} nodes itself", f"vllm_server_url {url}", hint)


def require_server(profile: GrpoProfile, source: str, node: str) -> None:
    """Ask the server as TRL will, from the node where this runs.

    Raises:
        UsageError: it does not answer, takes no weights, or has too short a context.
    """
    url = profile.vllm_server_url
    if url is None:
        return
    hint = f"Start it: {start_command(profile, source)}"
    try:
        with httpx.Client(base_url=url.rstrip("/"), timeout=PATIENCE) as client:
            models = client.get("/v1/models")
            info = client.get("/server_info", params={"config_format": "json"})
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise UsageError(f"cannot be reached from node {node}: {reason}", f"vllm_server_url {url}", hint) from error
    problem = server_problem(profile, _read(ServedModels, models), _read(ServerInfo, info))
    if problem is not None:
        raise UsageError(problem, f"vllm_server_url {url}", hint)


def server_problem(profile: GrpoProfile, models: ServedModels | None, info: ServerInfo | None) -> str | None:
    """Return what keeps a server from writing for this training, None if nothing does; None is no such answer."""
    if models is None:
        return "is no vLLM server"
    if info is None:
        return "runs without VLLM_SERVER_DEV_MODE=1, so it takes no weights"
    if info.vllm_config.weight_transfer_config is None:
        return "runs without --weight-transfer-config, so it takes no weights"
    if (mode := info.vllm_config.model.logprobs_mode) != "processed_logprobs":
        return f"runs with --logprobs-mode {mode}, which is not how TRL weighs its completions"
    if (length := models.data[0].max_model_len) < profile.max_prompt + profile.max_completion:
        return f"holds {length} tokens, less than max_prompt + max_completion"
    return None


def start_command(profile: GrpoProfile, source: str) -> str:
    """Return the command that starts a server for a profile."""
    length = profile.max_prompt + profile.max_completion
    return (
        f'VLLM_SERVER_DEV_MODE=1 vllm serve {source} --weight-transfer-config \'{{"backend": "nccl"}}\' '
        f"--logprobs-mode processed_logprobs --max-model-len {length}"
    )


def _read(model: type[Answer], response: httpx.Response) -> Answer | None:
    if response.status_code != httpx.codes.OK:
        return None
    try:
        return model.model_validate_json(response.content)
    except ValidationError:
        return None
