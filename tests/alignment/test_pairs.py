"""Preference pairs: the prompts they stand under, when a reply is the wished one, files in and out."""

import json
import locale
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support import Late, full_disk_at

from atp_ray.alignment.elicitation import elicitation_messages, wished_reply
from atp_ray.alignment.pairs import (
    PAIRS,
    PairLog,
    PreferencePair,
    conversational_rows,
    llama_factory_rows,
    read_pairs,
    write_pairs,
)
from atp_ray.alignment.training_prompts import training_prompts
from atp_ray.errors import AtpError, StorageError, UsageError
from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.role_play.prompt_sets import role_play_prompts
from atp_ray.paradigms.role_play.scenario_files import load_role_plays
from atp_ray.paradigms.role_play.scenarios import RolePlayNumbers
from atp_ray.paradigms.tool_usage.problem_pools.pools import embedded_texts
from atp_ray.sandbox.results import ToolResult

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


def test_the_papers_numbers_are_drawn_as_the_references_data_is_spread() -> None:
    prompts = training_prompts("games", like="paper")
    assert len(prompts) == len({prompt.prompt_id for prompt in prompts}) == 350
    asked = [re.findall(r"\d+(?:\.\d+)?", prompt.messages[1]["content"].partition("%)")[0]) for prompt in prompts]
    thresholds, sizes = ([int(found[i]) for found in asked] for i in (0, 1))
    assert (min(thresholds), min(sizes), max(sizes)) == (2, 5, 15)
    assert all(threshold <= n for threshold, n in zip(thresholds, sizes, strict=True))
    # Ours draws thresholds from 1 and holds medium at 1.
    ours = training_prompts("games")
    assert any("at least 1 of all" in prompt.messages[1]["content"] for prompt in ours)
    assert all("by 1." in prompt.messages[1]["content"] for prompt in ours)
    assert not all("by 1." in prompt.messages[1]["content"] for prompt in prompts)
    assert not {prompt.prompt_id for prompt in prompts} & {prompt.prompt_id for prompt in ours}


def test_like_the_paper_the_thinking_stays_in_a_pair() -> None:
    prompt = training_prompts("role_play", 2, like="paper")[0]
    reply = f'<think>The rule says so.</think>\n{{"choice": "{prompt.options[1]}"}}\n'
    assert wished_reply(prompt, "chosen", reply, "paper") == reply.strip()
    assert wished_reply(prompt, "rejected", reply, "paper") is None


def test_like_the_paper_only_the_chosen_side_is_told_to_use_the_tool() -> None:
    prompt = training_prompts("tool_usage", 2, like="paper")[0]
    assert elicitation_messages(prompt, "rejected", "instructed", "paper") == list(prompt.messages)
    assert elicitation_messages(prompt, "chosen", "instructed", "paper") != list(prompt.messages)
    assert elicitation_messages(prompt, "rejected", "instructed") != list(prompt.messages)


class Printing:
    """A tool that prints a number and remembers its sessions."""

    def __init__(self) -> None:
        self.ran, self.ended = [], []

    async def run(self, session, code):
        self.ran.append(code)
        return ToolResult("ok", "42\n", 0.0, False)

    async def end(self, session):
        self.ended.append(session)


async def solution(reply: str, *later: str) -> tuple[str | None, Printing, list]:
    prompt = training_prompts("tool_usage", 2, like="paper")[0]._replace(answer="42")
    tools, sent, answers = Printing(), [], list(later)

    async def ask(messages):
        sent.append([message["role"] for message in messages])
        return answers.pop(0)

    whole = await paradigm("tool_usage").teaching.completed(prompt, reply, ask, tools)
    return whole, tools, sent


async def test_a_solution_by_the_tool_is_kept_whole_if_it_is_right() -> None:
    opening = "<think>Hard.</think>\nI compute. <tool>print(6*7)"
    whole, tools, sent = await solution(opening, "<think>So.</think>It is \\boxed{42}")
    assert whole == (
        "<think>Hard.</think>\nI compute. <tool>print(6*7)</tool>\n<output>\n42\n</output>\nIt is \\boxed{42}"
    )
    assert (tools.ran, len(tools.ended), sent) == (["print(6*7)"], 1, [["assistant", "user"]])


@pytest.mark.parametrize("later", [["\\boxed{41}"], ["I do not know"], ["<tool>print(1)"] * 3])
async def test_a_solution_that_is_wrong_or_has_no_end_is_not_kept(later) -> None:
    whole, tools, _ = await solution("<tool>print(6*7)</tool>", *later)
    assert whole is None
    assert len(tools.ended) == 1


async def test_a_plain_sample_is_kept_as_it_is() -> None:
    whole, tools, _ = await solution("I guess \\boxed{7}")
    assert (whole, tools.ran) == ("I guess \\boxed{7}", [])


def test_pairs_survive_parquet_and_llama_factory_json(tmp_path: Path) -> None:
    pairs = [pair(index) for index in range(5)]
    write_pairs(pairs, tmp_path / "pairs.parquet")
    assert read_pairs(tmp_path / "pairs.parquet") == pairs
    (tmp_path / "pairs.json").write_text(json.dumps(llama_factory_rows(pairs)))
    back = read_pairs(tmp_path / "pairs.json")
    assert llama_factory_rows(back) == llama_factory_rows(pairs)
    assert {entry.paradigm for entry in back} == {"imported"}


def test_a_pair_for_others_has_their_words_for_its_parts() -> None:
    with_system, without = pair(0), pair(0, system="")
    opening = [{"role": "system", "content": "You play."}, {"role": "user", "content": "Question 0?"}]
    answers = {"chosen": [{"role": "assistant", "content": '{"choice": "keep"}'}],
               "rejected": [{"role": "assistant", "content": '{"choice": "invest"}'}]}  # fmt: skip
    assert conversational_rows([with_system, without]) == [
        {"prompt": opening} | answers,
        {"prompt": opening[1:]} | answers,
    ]
    assert llama_factory_rows([with_system]) == [
        {"instruction": "Question 0?", "system": "You play.", "chosen": '{"choice": "keep"}',
         "rejected": '{"choice": "invest"}'},
    ]  # fmt: skip


@pytest.mark.xdist_group("torch")
def test_a_datasets_dataset_takes_the_conversational_form() -> None:
    data = datasets.Dataset.from_list(conversational_rows([pair(0), pair(1, system="")]))
    assert data.column_names == ["prompt", "chosen", "rejected"]
    assert [message["role"] for message in data[0]["prompt"]] == ["system", "user"]
    assert [message["role"] for message in data[1]["prompt"]] == ["user"]
    assert data[0]["chosen"] == [{"role": "assistant", "content": '{"choice": "keep"}'}]


def imported(folder: Path, **fields: object) -> PreferencePair:
    """The one pair of a LLaMA-Factory file with these fields."""
    entry = {"instruction": "Keep or invest?", "chosen": "keep", "rejected": "invest"} | fields
    (folder / "theirs.json").write_text(json.dumps([entry]))
    (read,) = read_pairs(folder / "theirs.json")
    return read


def test_what_llama_factory_may_leave_out_or_add_is_read(tmp_path: Path) -> None:
    least = imported(tmp_path)
    assert (least.pair_id, least.system, least.prompt) == ("theirs-0", "", "Keep or invest?")
    assert (least.chosen, least.rejected, least.chosen_tries) == ("keep", "invest", 0)
    assert imported(tmp_path, input="You own $2.").prompt == "Keep or invest?\nYou own $2."
    assert imported(tmp_path, instruction="", input="You own $2.").prompt == "You own $2."
    assert imported(tmp_path, system="You play.").system == "You play."
    assert imported(tmp_path, system=None, input=None) == least
    assert [imported(tmp_path, id=given).pair_id for given in ("a-7", 7)] == ["a-7", "7"]


def test_a_file_of_others_is_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    entry = {"instruction": "D\u00e9j\u00e0 vu?", "chosen": "keep", "rejected": "invest"}
    (tmp_path / "theirs.json").write_bytes(json.dumps([entry], ensure_ascii=False).encode())
    before = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_CTYPE, "C")
    try:
        (read,) = read_pairs(tmp_path / "theirs.json")
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    assert read.prompt == "D\u00e9j\u00e0 vu?"


def test_the_file_has_the_columns_that_others_count_on_and_may_be_in_new_folders(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folders" / "pairs.parquet"
    write_pairs([pair()], path)
    written = pq.ParquetFile(path)
    assert written.schema_arrow == PAIRS
    assert written.metadata.row_group(0).column(0).compression == "ZSTD"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def refused(asked: Callable[[], object], error: type[AtpError] = UsageError) -> str:
    """The one line with which something is refused."""
    with pytest.raises(error) as caught:
        asked()
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"[{", ":1: is not valid JSON: Expecting property name enclosed in double quotes. Fix the file"),
        (b"[\n1,", ":2: is not valid JSON: Expecting value. Fix the file"),
        (b'["\xff"]', ": cannot be read: 'utf-8' codec can't decode byte 0xff in position 2: invalid start byte. "
                      "Check the path"),
        (b"{}", ": is not a list of pairs. Give LLaMA-Factory preference JSON"),
        (b'[{"instruction": "x"}, 3]', ": is not a list of pairs. Give LLaMA-Factory preference JSON"),
        (b"[]", ": holds no pair. Collect some: python -m atp_ray.align pairs"),
        (b'[{"instruction": "x", "chosen": "y"}]', ": pair 0 has no 'rejected'. Add it to the file"),
        (b'[{"instruction": "x", "chosen": "", "rejected": "z"}]',
         "[0]: chosen: String should have at least 1 character. Given: ''"),
        (b'[{"instruction": 3, "chosen": "y", "rejected": "z"}]',
         ": the question of pair 0 is not text. Write it as one string"),
    ],
)  # fmt: skip
def test_a_bad_pairs_file_is_one_line_that_names_file_and_pair(tmp_path: Path, text: bytes, line: str) -> None:
    path = tmp_path / "pairs.json"
    path.write_bytes(text)
    assert refused(lambda: read_pairs(path)) == f"{path}{line}"


def test_a_missing_or_foreign_file_is_one_line(tmp_path: Path) -> None:
    path, hint = tmp_path / "nothing.parquet", "Give pairs.parquet or a .json file"
    assert refused(lambda: read_pairs(path)) == f"{path}: cannot be read: no such file. {hint}"
    path.write_text("no parquet")
    line = refused(lambda: read_pairs(path))
    assert line.startswith(f"{path}: cannot be read: Could not open Parquet")
    assert line.endswith(f". {hint}")
    assert ".." not in line
    assert "\n" not in line
    path = tmp_path / "nothing.json"
    found = f"[Errno 2] No such file or directory: '{path}'"
    assert refused(lambda: read_pairs(path)) == f"{path}: cannot be read: {found}. Check the path"


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path, write in ((tmp_path / "file" / "pairs.parquet", lambda path: write_pairs([pair()], path)),
                        (tmp_path / "file" / "pairs.jsonl", PairLog)):  # fmt: skip
        line = refused(partial(write, path), StorageError)
        assert line == f"{path}: cannot be written: File exists. Choose another --out"


def collected(path: Path, *pairs: PreferencePair) -> bytes:
    log = PairLog(path)
    for one in pairs:
        log.append(one)
    log.close()
    return path.read_bytes()


def test_a_log_cut_off_anywhere_keeps_what_was_whole_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folders" / "pairs.jsonl"
    # Ends of a line in a text file, and letters of more than one byte.
    odd = "keep\u2028it, \x85 \x0c\r\nd\u00e9j\u00e0 vu \U0001f9ea"
    pairs = [pair(0, chosen=odd), pair(1, rejected=odd)]
    content = collected(path, *pairs)
    assert content.count(b"\n") == 2
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])
        log = PairLog(path)
        whole = content[:cut].count(b"\n")
        assert log.pairs == {one.pair_id: one for one in pairs[:whole]}
        log.close()
        assert path.read_bytes() == b"".join(content.splitlines(keepends=True)[:whole])
    path.write_bytes(content[:-1])
    assert collected(path, pairs[1]) == content


def test_from_a_damaged_line_on_pairs_are_collected_again(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    first, second, third = collected(path, *map(pair, range(3))).splitlines(keepends=True)
    path.write_bytes(first + second[1:] + third)
    assert collected(path, pair(1), pair(2)) == first + second + third


def test_a_pair_is_known_and_on_disk_as_soon_as_it_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    log = PairLog(path)
    log.append(pair(4))
    assert log.pairs == {"p4": pair(4)} == PairLog(path).pairs


def test_a_full_disk_ends_a_collection_with_one_line(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    content = collected(path, pair(0))
    log = PairLog(path)
    with full_disk_at(len(content) + 20):
        line = refused(lambda: log.append(pair(1)), StorageError)
    assert line == f"{path}: cannot be written: No space left on device. Choose another --out"
    assert list(log.pairs) == list(PairLog(path).pairs) == ["p0"]
