"""A vLLM server that writes for training is asked before training starts."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from atp_ray.alignment.profiles import GrpoProfile, load_profile
from atp_ray.errors import UsageError
from tune_sweeps.generation_server import (
    ServedModels,
    ServerInfo,
    require_address,
    require_server,
    server_problem,
    start_command,
)

# In the form that vLLM 0.29 and TRL 1.16 give their answers by their source; no real server was asked.
MODELS = {"object": "list", "data": [{"id": "Qwen/Qwen3-8B", "object": "model", "max_model_len": 3072}]}
INFO = {
    "vllm_config": {
        "weight_transfer_config": {"backend": "nccl"},
        "model_config": {"logprobs_mode": "processed_logprobs"},
    }
}


def profile(url: str) -> GrpoProfile:
    made = load_profile("qwen3-8b-ma-grpo", "grpo", ["generation=vllm_server", f"vllm_server_url={url}"])
    assert isinstance(made, GrpoProfile)
    return made


def said(**changes: object) -> dict:
    """Return what a server says of itself that was started with something else."""
    config = INFO["vllm_config"]
    return {"vllm_config": config | changes}


@pytest.mark.parametrize(
    ("models", "info", "problem"),
    [
        (MODELS, INFO, None),
        (None, None, "is no vLLM server"),
        (MODELS, None, "runs without VLLM_SERVER_DEV_MODE=1"),
        (MODELS, said(weight_transfer_config=None), "runs without --weight-transfer-config"),
        (MODELS, said(model_config={"logprobs_mode": "raw_logprobs"}), "runs with --logprobs-mode raw_logprobs"),
        ({"data": [{"max_model_len": 3071}]}, INFO, "holds 3071 tokens, less than max_prompt + max_completion"),
    ],
)
def test_a_server_that_would_fail_later_is_refused_now(models, info, problem) -> None:
    read = models and ServedModels.model_validate(models), info and ServerInfo.model_validate(info)
    found = server_problem(profile("http://host:8000"), *read)
    assert (found or "").startswith(problem or "")
    assert (found is None) == (problem is None)


@pytest.mark.parametrize(
    ("url", "nodes", "refused"),
    [
        ("http://127.0.0.1:8000", 2, True),
        ("http://localhost:8000", 3, True),
        ("http://[::1]:8000", 2, True),
        ("http://127.0.0.1:8000", 1, False),
        ("http://10.0.0.7:8000", 2, False),
        ("http://trainer-head:8000", 2, False),
    ],
)
def test_a_loopback_address_is_refused_with_workers_on_several_nodes(url, nodes, refused) -> None:
    if not refused:
        require_address(profile(url), nodes)
        return
    with pytest.raises(UsageError, match=f"leads to each of the {nodes} nodes itself. Give the host that all nodes"):
        require_address(profile(url), nodes)


def test_nobody_listening_is_one_line_that_says_how_to_start_it() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(
            UsageError, match=r"cannot be reached from node here: .*VLLM_SERVER_DEV_MODE=1 vllm"
        ) as caught:
            require_server(profile(url), "Qwen/Qwen3-8B", "here")
    assert "\n" not in str(caught.value)


class _Other(BaseHTTPRequestHandler):
    """A web server of somebody else."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def other_server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_something_else_that_answers_is_no_vllm_server(other_server: str) -> None:
    with pytest.raises(UsageError, match="is no vLLM server"):
        require_server(profile(other_server), "Qwen/Qwen3-8B", "here")


def test_the_command_that_starts_a_server_has_the_profiles_lengths() -> None:
    assert start_command(profile("http://host:8000"), "Qwen/Qwen3-8B").endswith("--max-model-len 3072")
