"""What a run is expected to take: real prompts, counted by the checkpoint's own tokenizer, no model asked."""

import json
from pathlib import Path

import jinja2
import pytest
from support import make_spec, role_play_spec, tool_spec
from tokenizers import Tokenizer

from atp_ray.checkpoint.names import resolve_checkpoint, resolve_checkpoints
from atp_ray.checkpoint.profiles import EndpointProfile, ModelProfile
from atp_ray.costs.estimate import MOST_REHEARSED, estimate_usage
from atp_ray.costs.tokens import TokenCounter, by_characters, token_counter
from atp_ray.errors import UsageError
from atp_ray.paradigms.grids import checkpoint_names, expand, load_grid
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.probes import load_probe
from atp_ray.play.prompts import build_messages
from atp_ray.play.sampling import Sampling

TINY = resolve_checkpoint("tiny")
HOSTED = EndpointProfile(name="openai:x", model="x", base_url="http://127.0.0.1:9/v1")


def cell_of(*episodes: EpisodeSpec) -> CellSpec:
    return CellSpec(cell_id="cell", grid="test", checkpoint="x", checkpoint_kind="model", n_agents=None, setting={},
                    episodes=episodes)  # fmt: skip


def estimated(*episodes: EpisodeSpec, profile=TINY):
    return estimate_usage([cell_of(*episodes)], [profile])[profile.name].usage


def test_prompts_have_the_tokens_that_the_engine_would_count() -> None:
    assert isinstance(TINY, ModelProfile)
    folder = Path(TINY.source)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    template = jinja2.Template((folder / "chat_template.jinja").read_text())
    counter = token_counter(TINY)
    assert counter.source == "its own tokenizer"
    for spec in (make_spec(), role_play_spec(), tool_spec()):
        messages = build_messages(EpisodeMemory(spec, (0,)).seat_view(0))
        text = template.render(messages=messages, add_generation_prompt=True)
        assert counter.prompt(messages) == len(tokenizer.encode(text).ids)


def test_a_texts_tokens_are_counted_once() -> None:
    seen: list[str] = []
    counter = TokenCounter(lambda text: len(seen.append(text) or seen), "")
    assert [counter.text(text) for text in "aba"] == [1, 2, 1]
    assert by_characters("") == 0
    assert by_characters("12345") == 2


def test_a_damaged_tokenizer_is_one_line(tmp_path) -> None:
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(UsageError, match=r"tokenizer.json: is no tokenizer: .*\. Restore the file from a copy"):
        token_counter(ModelProfile(name="mine", source=str(tmp_path)))


def test_without_a_tokenizer_characters_are_counted_and_said() -> None:
    expected = estimate_usage([cell_of(make_spec(checkpoint="openai:x"))], [HOSTED])["openai:x"]
    assert (expected.counted, expected.usage.requests) == ("4 characters a token", 24)
    assert expected.replies == "replies of 0.25 of max_tokens (assumed)"
    assert expected.usage.completion_tokens == 24 * 512


def test_replies_are_as_long_as_the_profile_says_but_no_longer_than_they_may_be() -> None:
    spec = make_spec(checkpoint="openai:x")
    told = HOSTED.model_copy(update={"usual_reply_tokens": 100})
    assert estimated(spec, profile=told).completion_tokens == 2400
    short = make_spec(seats=[SeatGroup(checkpoint="openai:x", count=8, sampling=Sampling(max_tokens=50))])
    assert estimated(short, profile=told).completion_tokens == 24 * 50
    # Replies are read again in later rounds, thinking is not.
    talks = estimated(spec, profile=told).prompt_tokens
    thinks = make_spec(seats=[SeatGroup(checkpoint="openai:x", count=8, sampling=Sampling(thinking=True))])
    assert estimated(thinks, profile=told).prompt_tokens < talks


def test_a_structured_reply_is_the_decision_alone() -> None:
    spec = make_spec(seats=[SeatGroup(checkpoint="openai:x", count=8, sampling=Sampling(structured=True))])
    reply = json.dumps({"choice": spec.scenario.options[0]})
    assert estimated(spec, profile=HOSTED).completion_tokens < 24 * (by_characters(reply) + 3)


@pytest.mark.parametrize("make", [make_spec, role_play_spec], ids=["games", "role_play"])
def test_once_the_window_is_full_every_round_takes_as_much(make) -> None:
    three, four, ten = (
        estimated(make(rounds=rounds, checkpoint="openai:x", history_window=3), profile=HOSTED) for rounds in (3, 4, 10)
    )
    assert ten.requests == four.requests * 10 // 4
    last = four.prompt_tokens - three.prompt_tokens
    assert ten.prompt_tokens == pytest.approx(four.prompt_tokens + 6 * last, rel=0.02)


def test_fixed_players_and_policies_ask_nothing() -> None:
    seats = [SeatGroup(checkpoint="policy:collude", count=2), SeatGroup(checkpoint="tiny", count=4),
             SeatGroup(checkpoint="policy:quantal", count=2)]  # fmt: skip
    profiles = [resolve_checkpoint(name) for name in ("tiny", "policy:collude", "policy:quantal")]
    expected = estimate_usage([cell_of(make_spec(seats=seats))], profiles)
    assert list(expected) == ["tiny"]
    assert expected["tiny"].usage.requests == 12
    assert estimate_usage([cell_of(make_spec())], profiles[1:]) == {}


@pytest.mark.slow
def test_a_large_grid_is_estimated_from_a_part_of_it() -> None:
    grid = load_grid("appendix_b", seeds=4)
    profiles = resolve_checkpoints(["tiny"], None)
    cells = expand(grid, profiles)
    assert sum(len(cell.episodes) for cell in cells) > 3 * MOST_REHEARSED
    whole = estimate_usage(cells, profiles.values())["tiny"].usage
    one = estimate_usage(expand(load_grid("appendix_b"), profiles), profiles.values())["tiny"].usage
    assert whole.requests == 4 * one.requests
    assert whole.tokens == pytest.approx(4 * one.tokens, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "used"),
    [("smoke", 1320), ("figure3", 82_597), ("appendix_b", 413_263), ("table1", 124_301), ("table2", 26_768)],
)
def test_tiny_uses_what_is_expected_on_every_shipped_grid(name, used) -> None:
    """`used` is from `costs` in `run.json` after `python -m atp_ray.sweep --grid NAME`: prompt and reply tokens."""
    grid = load_grid(name)
    profiles = resolve_checkpoints(checkpoint_names(grid), None)
    expected = estimate_usage(expand(grid, profiles), profiles.values())["tiny"].usage
    assert expected.tokens == pytest.approx(used, rel=0.1)


def test_the_same_run_is_expected_to_take_the_same() -> None:
    assert estimated(tool_spec()) == estimated(tool_spec())
    assert estimated(make_spec(checkpoint="tiny")) == estimated(make_spec(checkpoint="tiny"))


def test_messages_and_probes_are_counted_in_the_rounds_that_have_them() -> None:
    fields = {"rounds": 10, "checkpoint": "openai:x", "history_window": 2}
    plain = estimate_usage([cell_of(make_spec(**fields))], [HOSTED])["openai:x"]
    with_talk = make_spec(**fields, talk=100)
    assert estimated(with_talk, profile=HOSTED).requests == 2 * plain.usage.requests
    # What was said is read before each decision, and again in later rounds.
    assert estimated(with_talk, profile=HOSTED).prompt_tokens > 2.2 * plain.usage.prompt_tokens
    probed = make_spec(**fields, probes=(load_probe("is_test"),), probe_rounds=(2, 7))
    rounds = estimate_usage([cell_of(probed)], [HOSTED])["openai:x"].rounds
    assert [share.usage.requests for share in rounds] == [8, 16, 8, 8, 8, 8, 16, 8]
    assert estimated(probed, profile=HOSTED).requests == plain.usage.requests + 2 * 8
