"""A checkpoint on the hub is looked for before anything starts; here the hub is a small server of our own."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from model_configs import QWEN3_8B

from atp_ray.checkpoint.hub import model_config, require_available
from atp_ray.checkpoint.profiles import ModelProfile, PolicyProfile
from atp_ray.errors import UsageError


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does, by what the model is called."""

    def do_GET(self) -> None:
        gone = {"X-Error-Code": "RepoNotFound"}
        old = {"X-Error-Code": "RevisionNotFound"}
        gated = {"X-Error-Code": "GatedRepo"}
        if "org/gone" in self.path:
            self.answer(404, gone)
        elif self.path.endswith("auth-check"):
            self.answer(403, gated)
        elif "revision/old" in self.path:
            self.answer(404, old)
        elif "org/ill" in self.path:
            self.answer(500, {})
        elif "org/expired" in self.path:
            self.answer(401, {"X-Error-Message": "Invalid credentials in Authorization header"})
        elif self.path == "/org/name/resolve/main/config.json":
            self.answer(200, {}, json.dumps(QWEN3_8B))
        else:
            flag = "true" if "org/gated" in self.path else "false"
            self.answer(200, {}, f'{{"id": "org/name", "gated": {flag}, "siblings": []}}')

    def answer(self, status: int, headers: dict[str, str], body: str = "{}") -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Type": "application/json"}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    yield
    server.shutdown()


def wanted(source: str, revision: str = "") -> list[ModelProfile]:
    return [ModelProfile(name="it", source=source, hub_revision=revision)]


@pytest.mark.parametrize(
    ("source", "revision", "message"),
    [
        ("org/gone", "", "org/gone: is not on the hub. Check the spelling; if it is private, set HF_TOKEN"),
        ("org/gated", "", "org/gated: is gated: .* set HF_TOKEN"),
        ("org/name", "old", "org/name: has no revision 'old' on the hub"),
        ("org/ill", "", "org/ill: cannot be fetched: the hub answers 500"),
        ("org/expired", "", "org/expired: cannot be fetched: the hub answers 401. Check HF_TOKEN"),
        ("org//name", "", "is neither a folder nor the name of a model on the hub"),
    ],
)
def test_what_cannot_be_had_is_one_line_that_says_what_to_do(hub, source, revision, message) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        require_available(wanted(source, revision))
    assert "\n" not in str(refused.value)


def test_what_is_there_and_what_needs_no_hub_is_let_through(hub, tmp_path) -> None:
    policy = PolicyProfile(name="policy:quantal", policy="quantal")
    require_available([*wanted("org/name"), *wanted("org/name", "main"), *wanted(str(tmp_path)), policy])


def test_other_machines_may_have_what_this_one_cannot_reach(hub, monkeypatch: pytest.MonkeyPatch) -> None:
    for source in ("org/ill", "org/gated", "org/gone", "/only/there"):
        require_available(wanted(source), elsewhere=True)
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    with pytest.raises(UsageError, match="is not on the hub"):
        require_available(wanted("org/gone"), elsewhere=True)


def keep(cache: Path, source: str) -> None:
    """Put a model's configuration into the hub's cache, as a download would."""
    commit = "0" * 40
    held = cache / f"models--{source.replace('/', '--')}"
    (held / "snapshots" / commit).mkdir(parents=True)
    (held / "snapshots" / commit / "config.json").write_text("{}")
    (held / "refs").mkdir()
    (held / "refs" / "main").write_text(commit)


@pytest.mark.parametrize("source", ["org/gone", "org/gated", "org/ill"])
def test_what_was_fetched_before_needs_neither_hub_nor_token(hub, tmp_path, source) -> None:
    keep(tmp_path, source)
    require_available(wanted(source))


def test_a_hub_that_does_not_answer_is_no_long_wait(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr("atp_ray.checkpoint.hub.PATIENCE_S", 0.2)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(UsageError, match="the hub does not answer"):
            require_available(wanted("org/name"))


def test_the_size_of_a_model_comes_from_the_hub_the_cache_or_its_folder(hub, tmp_path) -> None:
    assert model_config(*wanted("org/name")).hidden_size == 4096
    assert model_config(*wanted("org/gone")) is None
    keep(tmp_path, "org/kept")
    (config,) = tmp_path.glob("models--org--kept/snapshots/*/config.json")
    config.write_text(json.dumps(QWEN3_8B | {"hidden_size": 1024}))
    assert model_config(*wanted("org/kept")).hidden_size == 1024
    assert model_config(*wanted(str(config.parent))).hidden_size == 1024
    assert model_config(*wanted("/only/elsewhere")) is None
    assert model_config(*wanted("neither a folder nor a name")) is None
