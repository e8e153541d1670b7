"""The vLLM server that writes completions for training: there, willing to take weights, and long enough."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx

from atp_ray.alignment.profiles import GrpoProfile
from atp_ray.errors import UsageError
from tune_sweeps.training_nodes import is_loopback

ANSWER_S = 15.0


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
        with httpx.Client(base_url=url.rstrip("/"), timeout=ANSWER_S) as client:
            models = client.get("/v1/models")
            info = client.get("/server_info", params={"config_format": "json"})
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise UsageError(f"cannot be reached from node {node}: {reason}", f"vllm_server_url {url}", hint) from error
    problem = server_problem(profile, _json(models), _json(info))
    if problem is not None:
        raise UsageError(problem, f"vllm_server_url {url}", hint)


def server_problem(profile: GrpoProfile, models: dict[str, Any] | None, info: dict[str, Any] | None) -> str | None:
    """Return what keeps a server from serving this training, None if nothing does.

    Args:
        models: answer of `/v1/models`, None if it has none.
        info: answer of `/server_info`, None if it has none.
    """
    if models is None:
        return "is no vLLM server"
    if info is None:
        return "runs without VLLM_SERVER_DEV_MODE=1, so it takes no weights"
    config = info["vllm_config"]
    if config["weight_transfer_config"] is None:
        return "runs without --weight-transfer-config, so it takes no weights"
    if (mode := config["model_config"]["logprobs_mode"]) != "processed_logprobs":
        return f"runs with --logprobs-mode {mode}, which is not how TRL weighs its completions"
    length = int(models["data"][0]["max_model_len"])
    if length < profile.max_prompt + profile.max_completion:
        return f"holds {length} tokens, less than max_prompt + max_completion"
    return None


def start_command(profile: GrpoProfile, source: str) -> str:
    """Return the command that starts a server for a profile."""
    length = profile.max_prompt + profile.max_completion
    return (
        f'VLLM_SERVER_DEV_MODE=1 vllm serve {source} --weight-transfer-config \'{{"backend": "nccl"}}\' '
        f"--logprobs-mode processed_logprobs --max-model-len {length}"
    )


def _json(response: httpx.Response) -> dict[str, Any] | None:
    if response.status_code != httpx.codes.OK or "json" not in response.headers.get("content-type", ""):
        return None
    answer = response.json()
    return answer if isinstance(answer, dict) else None
