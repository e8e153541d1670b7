"""Ray Serve LLM's prefix-aware router, and what it reads of our calls."""

import pickle
import subprocess
import sys
from types import SimpleNamespace

import pytest
from command_runs import ROOT
from support import make_spec

from atp_ray.checkpoint.engine_changes import engine_change
from atp_ray.errors import UsageError
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.model_calls import ReplyRequest, RequestBatch
from atp_ray.play.prompts import build_messages
from atp_ray.play.sampling import Sampling
from serve_deployments.engine_options import deployment_options
from serve_deployments.lease import Lease
from serve_deployments.model_app import start_models
from serve_deployments.prefix_routing import PREFIX_ROUTING


def batch(*seats: int) -> RequestBatch:
    spec = make_spec(checkpoint="tiny")
    memory = EpisodeMemory(spec, seats)
    asked = (tuple(build_messages(memory.seat_view(seat))) for seat in seats)
    return RequestBatch(ReplyRequest(messages, Sampling(), 1, spec.scenario.options) for messages in asked)


def test_the_library_s_router_finds_the_prompt_of_our_calls() -> None:
    from ray._common.utils import import_attr

    router = object.__new__(import_attr(PREFIX_ROUTING["request_router_class"]))
    sent = pickle.loads(pickle.dumps(batch(0, 1)))
    text = router._extract_text_from_request(SimpleNamespace(args=[sent, None]))
    assert text == batch(0).prompt
    assert all(message["content"] in text for message in sent[0].messages)
    assert list(sent) == list(batch(0, 1))
    assert RequestBatch().prompt == ""


@pytest.mark.slow
def test_the_router_s_name_brings_no_model_library_into_a_gateway() -> None:
    program = (
        "import sys\nfrom ray._common.utils import import_attr\n"
        f"import_attr({PREFIX_ROUTING['request_router_class']!r})\n"
        "assert not {'vllm', 'torch', 'transformers'} & sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_behind_haproxy_nothing_is_routed_by_prefix(tiny, monkeypatch) -> None:
    monkeypatch.setenv("RAY_SERVE_ENABLE_HA_PROXY", "1")
    by_prefix = engine_change(["deployment.routing=prefix"]).apply({"": tiny})[""]
    with pytest.raises(UsageError, match="cannot be routed by prefix behind HAProxy"):
        start_models([by_prefix], Lease())


def test_requests_are_routed_by_prefix_where_it_is_asked_for_and_there_is_a_choice(tiny) -> None:
    by_prefix = engine_change(["deployment.routing=prefix"]).apply({"": tiny})[""]
    assert deployment_options(by_prefix, False, 2, 2)["request_router_config"] == PREFIX_ROUTING
    assert "request_router_config" not in deployment_options(by_prefix, False, 1, 1)
    assert "request_router_config" not in deployment_options(tiny, False, 2, 2)
