"""How much the engines of an experiment decode at once."""

from actors.seats_in_play import POLICIES
from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.checkpoint.profiles import EndpointProfile
from tune_sweeps.engine_capacity import POLICY_REQUESTS, engine_capacity


def test_replicas_add_up_adapters_share_and_endpoints_count_by_host(tiny) -> None:
    large = resolve_checkpoint("qwen3-8b")
    adapter = tiny.model_copy(update={"name": "mine", "adapter": "mine"})
    endpoint = EndpointProfile(name="openai:x", model="x", base_url="http://127.0.0.1:9/v1", concurrency=5)
    policy = resolve_checkpoint("policy:quantal")
    replicas = {"qwen3-8b": 8, "tiny": 1}
    capacity = engine_capacity([large, tiny, adapter, endpoint, policy], replicas, n_hosts=3)
    assert capacity.requests == {"qwen3-8b": 8 * 256, "tiny": 256, "openai:x": 15, POLICIES: POLICY_REQUESTS}
    assert capacity.engines == {"qwen3-8b": "qwen3-8b", "tiny": "tiny", "mine": "tiny", "openai:x": "openai:x"}


def test_coordinators_share(tiny) -> None:
    assert engine_capacity([tiny], {"tiny": 1}, n_hosts=8, coordinators=3).requests["tiny"] == 86
