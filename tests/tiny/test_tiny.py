"""The embedded checkpoint: its transcripts, its training, and the weights that are shipped."""

import json
from pathlib import Path

import numpy as np
import pytest
from support import Late, make_spec, play, scenario_names

from atp_ray.checkpoint.scope import SCOPE_FILE, load_scope, scenario_digest
from atp_ray.errors import UsageError
from atp_ray.paradigms.games.quantal import QuantalResponse
from atp_ray.paradigms.games.scenario_files import load_games
from atp_ray.paradigms.games.transcripts import GameTranscripts, teacher_probability, teacher_reply
from atp_ray.paradigms.role_play.scenario_files import load_role_plays
from atp_ray.paradigms.tool_usage.problem_pools.pools import embedded_texts
from atp_ray.paradigms.tool_usage.scenario_files import load_tool_scenario
from atp_ray.paradigms.tool_usage.transcripts import ToolTranscripts
from atp_ray.play.actions import Action
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.parsing import parse_choice
from atp_ray.play.prompts import LAYOUT_VERSION, build_messages
from atp_ray.play.rounds import observe_round
from atp_ray.tiny.curriculum import Curriculum
from atp_ray.tiny.scope import shipped_scope

pytestmark = pytest.mark.xdist_group("torch")

torch, transformers = Late("torch"), Late("transformers")
training, tokenizing, sampling = (Late(f"atp_ray.tiny.{name}") for name in ("training", "tokenizer", "reply_sampler"))
written = Late("atp_ray.tiny.card")


def sampler(seed=0) -> GameTranscripts:
    return GameTranscripts(load_games(), shipped_scope(), seed)


def test_transcripts_cover_every_game_and_visibility_and_end_with_a_decision() -> None:
    source = sampler()
    transcripts = [source.transcript() for _ in range(400)]
    texts = [" ".join(message["content"] for message in t.messages) for t in transcripts]
    for scenario in load_games():
        assert any(scenario.success_event in text for text in texts)
    for marker in (
        "The others chose:",
        "others replied:",
        "Of the ",
        "no valid decision",
        "changes by",
        "is multiplied",
    ):
        assert any(marker in text for text in texts), marker
    for transcript in transcripts:
        assert transcript.messages[-1]["role"] == "assistant"
        assert transcript.trained[-1]
        assert all(m["role"] == "assistant" for m, wanted in zip(*transcript, strict=True) if wanted)
        options = [s.options for s in load_games() if s.persona.split("{n}")[0] in transcript.messages[0]["content"]]
        assert any(parse_choice(transcript.messages[-1]["content"], pair).choice for pair in options)


def test_the_same_seed_draws_the_same_transcripts() -> None:
    one, two, other = sampler(1), sampler(1), sampler(2)
    drawn = [source.transcript() for source in (one, two, other)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_curriculum_mixes_all_three_paradigms_and_repeats_itself() -> None:
    one, two = (Curriculum(shipped_scope(), 5) for _ in range(2))
    drawn = [one.transcript() for _ in range(300)]
    assert drawn[:20] == [two.transcript() for _ in range(20)]
    systems = {transcript.messages[0]["content"] for transcript in drawn}
    assert sum("maths problems" in system for system in systems) == 1
    personas = {scenario.persona for scenario in load_role_plays()}
    assert len(systems & personas) >= 14
    assert all(transcript.trained[-1] for transcript in drawn)


def test_no_problem_of_the_embedded_pools_is_trained_on() -> None:
    source = ToolTranscripts(load_tool_scenario("maths"), seed=3)
    held_out = embedded_texts()
    for _ in range(500):
        assert source.state().problem.problem.text not in held_out


def test_the_teacher_states_its_odds_and_decides_by_them() -> None:
    spec = make_spec(threshold=2)
    memory = EpisodeMemory(spec, (0,))
    memory.observe([observe_round(spec, play(spec)[0], (0,))])
    view = memory.seat_view(0)
    chance = teacher_probability(view, QuantalResponse())
    reply = teacher_reply(view, chance, Action.DEVIANT)
    assert f"Pull {2 * round(50 * chance)}." in reply
    assert parse_choice(reply, spec.scenario.options).choice == "share information"


def test_tokens_are_those_of_the_chat_template_and_only_replies_are_trained() -> None:
    source = sampler()
    transcripts = [source.transcript() for _ in range(60)]
    tokenizer = tokenizing.train_tokenizer(transcripts, 600)
    for transcript in transcripts[:20]:
        tokenised = tokenizing.tokenise(tokenizer, transcript)
        assert tokenised.ids == tokenizer.apply_chat_template(list(transcript.messages), tokenize=True)["input_ids"]
        text = tokenizer.decode([i for i, wanted in zip(*tokenised, strict=True) if wanted])
        replies = [m["content"] for m, wanted in zip(*transcript, strict=True) if wanted]
        assert text == "".join(f"{reply}<|im_end|>" for reply in replies)
    strange = "ζ 漢字 \U0001f9ea 12.5%"
    assert tokenizer.decode(tokenizer.encode(strange, add_special_tokens=False)) == strange


def test_a_batch_depends_on_its_place_in_training_and_not_on_what_was_drawn_before() -> None:
    source = sampler()
    tokenizer = tokenizing.train_tokenizer([source.transcript() for _ in range(40)], 600)
    recipe = training.TinyRecipe(batch=2, steps=training.BUCKET + 3)
    one, other = (training.Buckets(shipped_scope(), tokenizer, recipe) for _ in range(2))
    drawn = list(one)
    assert [len(bucket) for bucket in drawn] == [training.BUCKET, 3]
    for batch, again in zip(drawn[1], other[1], strict=True):
        for expected, found in zip(batch, again, strict=True):
            assert np.array_equal(expected, found)
    assert not np.array_equal(drawn[0][0][0], drawn[1][0][0])
    for ids, labels in [batch for bucket in drawn for batch in bucket]:
        assert ids.shape == labels.shape
        wanted = labels != training.IGNORED
        assert wanted.any(axis=1).all()
        assert (ids[wanted] == labels[wanted]).all()
        assert not (ids[wanted] == tokenizer.pad_token_id).any()


def test_training_learns_repeats_itself_and_saves_a_loadable_checkpoint(tmp_path) -> None:
    small = training.TinyRecipe(
        hidden=64, layers=2, heads=2, kv_heads=1, feed_forward=96, batch=4, steps=30, warm_up=5,
        tokenizer_transcripts=150,
    )  # fmt: skip
    one, two = (training.train_small(shipped_scope(), small, lambda *_: None) for _ in range(2))
    assert one.losses == two.losses
    assert np.mean(one.losses[-5:]) < 0.9 * np.mean(one.losses[:5])
    training.save_checkpoint(one, small, tmp_path)
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    ids = torch.tensor([tokenizer.encode("Needed 4 of 8", add_special_tokens=False)])
    with torch.inference_mode():
        expected = one.model.float()(ids).logits
        assert torch.allclose(model(ids).logits, expected, atol=1e-5)
    assert load_scope(tmp_path) == shipped_scope()
    assert training.load_record(tmp_path).recipe == small


def test_the_shipped_weights_were_trained_on_what_is_shipped(tiny) -> None:
    scope = load_scope(Path(tiny.source))
    assert scope.layout_version == LAYOUT_VERSION
    shipped = [*load_games(), *load_role_plays(), load_tool_scenario("maths")]
    assert scope.scenarios == {s.name: scenario_digest(s) for s in shipped}
    assert len(shipped) == 24


def test_the_shipped_weights_parse_freely_and_follow_the_teacher(tiny) -> None:
    torch.manual_seed(0)
    source = sampler(seed=77)
    states = [source.state("choices", (8, 8)) for _ in range(25)]
    repeats = 12
    replies = sampling.ReplySampler(Path(tiny.source)).replies(
        [build_messages(state.view) for state in states for _ in range(repeats)]
    )
    chosen = [
        parse_choice(reply, states[i // repeats].view.spec.scenario.options).choice for i, reply in enumerate(replies)
    ]
    assert sum(choice is not None for choice in chosen) >= 0.99 * len(chosen)
    rates = [
        np.mean([c == state.view.spec.scenario.options[0] for c in chosen[i * repeats : (i + 1) * repeats]])
        for i, state in enumerate(states)
    ]
    assert np.corrcoef(rates, [state.probability for state in states])[0, 1] > 0.93


def test_the_card_says_what_it_is_and_is_not(tiny) -> None:
    card = (Path(tiny.source) / written.CARD_FILE).read_text()
    assert "says nothing about Qwen3-8B" in card
    record = training.load_record(Path(tiny.source))
    trained_on = {"cpu": "CPU cores", "cuda": "one GPU"}[record.device]
    for part in ("correlation", "| 2 |", "| 8 |", f"{record.recipe.steps} steps", f" on {trained_on}; mean loss"):
        assert part in card
    assert len(scenario_names()) == 7


def test_a_damaged_scope_is_one_clear_line(tmp_path) -> None:
    assert load_scope(tmp_path) is None
    (tmp_path / SCOPE_FILE).write_text(json.dumps({"layout_version": "?"}))
    with pytest.raises(UsageError, match="Build the checkpoint again"):
        load_scope(tmp_path)
