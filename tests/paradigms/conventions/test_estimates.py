"""What a run of naming games is expected to ask of a model."""

from __future__ import annotations

import pytest
from naming_play import naming_spec
from support import make_cell

from atp_ray.checkpoint.profiles import EndpointProfile
from atp_ray.costs.estimate import estimate_usage
from atp_ray.costs.usage import Usage

HOSTED = EndpointProfile(name="openai:x", model="x", base_url="http://127.0.0.1:9/v1")


def estimated(**asked: object) -> Usage:
    spec = naming_spec(checkpoint="openai:x", n_agents=12, **asked)
    return estimate_usage([make_cell(spec, checkpoint="openai:x", kind="openai")], [HOSTED])["openai:x"].usage


def test_only_who_meets_somebody_is_counted_with_a_full_window() -> None:
    together, apart = estimated(rounds=40), estimated(rounds=240, pairing="asynchronous")
    assert (together.requests, apart.requests) == (480, 480)
    assert apart.prompt_tokens == pytest.approx(together.prompt_tokens, rel=0.05)
    assert estimated(rounds=40, history_window=1).prompt_tokens < together.prompt_tokens


def test_committed_agents_ask_nothing_and_are_met() -> None:
    alone, beside = estimated(rounds=40, n_names=5), estimated(rounds=40, n_names=5, committed=6)
    assert beside.requests == alone.requests / 2
    assert beside.prompt_tokens / beside.requests == pytest.approx(alone.prompt_tokens / alone.requests, rel=0.05)
