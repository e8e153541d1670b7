"""Preference pairs: the prompts they stand under, when a reply is the wished one, files in and out."""

import json
from pathlib import Path

import pytest
from support import Late

from atp_ray.alignment.elicitation import elicitation_messages, wished_reply
from atp_ray.alignment.pairs import (
    PairLog,
    PreferencePair,
    conversational_rows,
    llama_factory_rows,
    read_pairs,
    write_pairs,
)
from atp_ray.alignment.training_prompts import training_prompts
from atp_ray.errors import UsageError
from atp_ray.paradigms.role_play.prompt_sets import role_play_prompts
from atp_ray.paradigms.role_play.scenario_files import load_role_plays
from atp_ray.paradigms.role_play.scenarios import RolePlayNumbers
from atp_ray.paradigms.tool_usage.problem_pools.pools import embedded_texts

datasets = Late("datasets")  # it imports torch


def pair(index: int = 0, **fields: object) -> PreferencePair:
    values = {"pair_id": f"p{index}", "paradigm": "games", "system": "You play.", "prompt": f"Question {index}?",
              "chosen": '{"choice": "keep"}', "rejected": '{"choice": "invest"}'}  # fmt: skip
    return PreferencePair(**(values | fields))


@pytest.mark.parametrize(("paradigm", "count"), [("games", 350), ("role_play", 160), ("tool_usage", 2000)])
def test_the_prompts_are_as_many_as_the_papers_and_the_same_every_time(paradigm, count) -> None:
    prompts = training_prompts(paradigm)
    assert len(prompts) == len({prompt.prompt_id for prompt in prompts}) == count
    assert prompts == training_prompts(paradigm)
    assert [message["role"] for message in prompts[0].messages] == ["system", "user"]
    few = training_prompts(paradigm, 14)
    assert len(few) == 14
    assert {prompt.prompt_id for prompt in few} <= {prompt.prompt_id for prompt in prompts}


def test_nothing_an_evaluation_asks_is_trained_on() -> None:
    test_questions = {
        prompt.scenario.question(RolePlayNumbers(low=prompt.low, high=prompt.high), 1)
        for prompt in role_play_prompts(load_role_plays(), "test")
    }
    assert not test_questions & {prompt.messages[1]["content"] for prompt in training_prompts("role_play")}
    asked = [prompt.messages[1]["content"] for prompt in training_prompts("tool_usage", 300)]
    problems = {question.removeprefix("Problem: ").partition("\n")[0] for question in asked}
    assert len(problems) == 300
    assert not problems & embedded_texts()


@pytest.mark.parametrize("paradigm", ["games", "role_play", "tool_usage"])
def test_an_instruction_is_added_to_the_question_and_not_to_the_pair(paradigm) -> None:
    prompt = training_prompts(paradigm, 2)[0]
    plain = prompt.messages[1]["content"]
    asked = {side: elicitation_messages(prompt, side, "instructed") for side in ("chosen", "rejected")}
    assert asked["chosen"] != asked["rejected"]
    for messages in asked.values():
        assert messages[0] == prompt.messages[0]
        assert messages[1]["content"].startswith(plain + "\n")
    assert elicitation_messages(prompt, "chosen", "plain") == list(prompt.messages)


def test_the_wished_choice_is_the_aligned_one_for_chosen_and_the_deviant_one_for_rejected() -> None:
    prompt = training_prompts("role_play", 2)[0]
    deviant, aligned = (f'So. {{"choice": "{option}"}}' for option in prompt.options)
    assert wished_reply(prompt, "chosen", aligned) == aligned
    assert wished_reply(prompt, "chosen", deviant) is None
    assert wished_reply(prompt, "rejected", deviant) == deviant
    assert wished_reply(prompt, "rejected", "no decision") is None
    assert wished_reply(prompt, "chosen", f"<think>{deviant}</think>{aligned}") == aligned


def test_in_tool_usage_the_tool_call_is_chosen_and_the_direct_answer_rejected() -> None:
    prompt = training_prompts("tool_usage", 2)[0]
    call, direct = "I compute. <tool>print(1)</tool>", "I guess \\boxed{7}"
    assert wished_reply(prompt, "chosen", call + " and more") == call
    assert wished_reply(prompt, "chosen", direct) is None
    assert wished_reply(prompt, "rejected", direct) == direct
    assert wished_reply(prompt, "rejected", call) is None
    assert wished_reply(prompt, "rejected", "I give up") is None


def test_pairs_survive_parquet_and_llama_factory_json(tmp_path: Path) -> None:
    pairs = [pair(index) for index in range(5)]
    write_pairs(pairs, tmp_path / "pairs.parquet")
    assert read_pairs(tmp_path / "pairs.parquet") == pairs
    (tmp_path / "pairs.json").write_text(json.dumps(llama_factory_rows(pairs)))
    back = read_pairs(tmp_path / "pairs.json")
    assert llama_factory_rows(back) == llama_factory_rows(pairs)
    assert {entry.paradigm for entry in back} == {"imported"}


@pytest.mark.xdist_group("torch")
def test_a_datasets_dataset_takes_the_conversational_form() -> None:
    data = datasets.Dataset.from_list(conversational_rows([pair(0), pair(1, system="")]))
    assert data.column_names == ["prompt", "chosen", "rejected"]
    assert [message["role"] for message in data[0]["prompt"]] == ["system", "user"]
    assert [message["role"] for message in data[1]["prompt"]] == ["user"]
    assert data[0]["chosen"] == [{"role": "assistant", "content": '{"choice": "keep"}'}]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("[{", "pairs.json:1: is not valid JSON"), ("{}", "is not a list of pairs"), ("[]", "holds no pair"),
     ('[{"instruction": "x", "chosen": "y"}]', "pair 0 has no 'rejected'"),
     ('[{"instruction": "x", "chosen": "", "rejected": "z"}]', "chosen")],
)  # fmt: skip
def test_a_bad_pairs_file_is_one_line_that_names_the_pair(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "pairs.json").write_text(text)
    with pytest.raises(UsageError, match=complaint) as caught:
        read_pairs(tmp_path / "pairs.json")
    assert "\n" not in str(caught.value)


def test_a_missing_or_foreign_parquet_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_pairs(tmp_path / "nothing.parquet")
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(UsageError, match="cannot be read"):
        read_pairs(tmp_path / "text.parquet")


def test_a_log_cut_off_by_a_crash_keeps_what_was_whole(tmp_path: Path) -> None:
    log = PairLog(tmp_path / "pairs.jsonl")
    for index in range(3):
        log.append(pair(index))
    log.close()
    text = (tmp_path / "pairs.jsonl").read_text()
    (tmp_path / "pairs.jsonl").write_text(text[:-20])
    again = PairLog(tmp_path / "pairs.jsonl")
    assert sorted(again.pairs) == ["p0", "p1"]
    again.append(pair(2))
    again.close()
    assert sorted(PairLog(tmp_path / "pairs.jsonl").pairs) == ["p0", "p1", "p2"]
