"""Tool usage without a model: tool calls read, experience told, costs charged, rates measured."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import make_cell, tool_spec

from atp_ray.measures.cell_rates import round_rates
from atp_ray.paradigms.tool_usage.accuracy import accuracies
from atp_ray.paradigms.tool_usage.prompts import ToolStep, build_problem_messages
from atp_ray.paradigms.tool_usage.response import ToolResponse, strategy_counts
from atp_ray.paradigms.tool_usage.scenarios import tool_usage_of
from atp_ray.paradigms.tool_usage.tool_calls import read_tool_call
from atp_ray.play.actions import Action
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.problems import Solution
from atp_ray.play.rounds import Decisions, observe_round, settle_round
from atp_ray.storage.event_log import EventLog, read_event_log
from atp_ray.storage.tables import build_tables

DIRECT = Solution("p", "simple", used_tool=False, answer="7", correct=True, cost=1.0, reply="\\boxed{7}")
TOOL = Solution("q", "complex", True, "8", True, 3.0, "<tool>8</tool>", ("ok",))


def decided(spec, round_number: int, *, tool: bool, right: bool) -> Decisions:
    played = tool_usage_of(spec).numbers.problems[round_number - 1]
    simple = replace(DIRECT, problem_id=played.simple[0].problem_id)
    hard = replace(
        TOOL if tool else DIRECT, difficulty="complex", problem_id=played.complex[0].problem_id, correct=right
    )
    action = Action.ALIGNED if tool else Action.DEVIANT
    one = np.ones(1, dtype=np.int64)
    return Decisions(np.array([action], dtype=np.int8), (hard.reply,), one, one, one, np.ones(1), (), ((simple, hard),))


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("<tool>print(1)</tool>", "print(1)"),
        ("I compute. <tool>print(1)</tool> and then", "print(1)"),
        ("<tool>\nx = 1\nprint(x)\n</tool>", "x = 1\nprint(x)"),
        ("<tool>```python\nprint(1)\n```</tool>", "print(1)"),
        ("<tool>\n```\nprint(1)\n```\n</tool>", "print(1)"),
        ("<tool>print(1)", "print(1)"),
        ("<tool>print(1)</tool><tool>print(2)</tool>", "print(1)"),
        ("<think>I could <tool>print(1)</tool></think><tool>print(2)</tool>", "print(2)"),
        ("<think>I could <tool>print(1)</tool></think>\\boxed{3}", None),
        ("<think><tool>print(1)</tool>", None),
        ("<tool></tool>", None),
        ("<tool>  \n </tool>", None),
        ("no tool here", None),
        ("", None),
    ],
)
def test_the_first_call_outside_thinking_is_read(reply: str, code: str | None) -> None:
    call = read_tool_call(reply)
    assert (call.code if call else None) == code


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_exception(text: str) -> None:
    call = read_tool_call(text)
    assert call is None or call.reply.endswith("</tool>")


def test_what_follows_a_call_was_written_blindly_and_is_left_out() -> None:
    call = read_tool_call("A <tool>1</tool> The output is 5. \\boxed{5}")
    assert call is not None
    assert call.reply == "A <tool>1</tool>"


def test_a_round_costs_what_its_problems_did() -> None:
    spec = tool_spec(rounds=2)
    first = settle_round(spec, [], decided(spec, 1, tool=True, right=True))
    second = settle_round(spec, [first], decided(spec, 2, tool=False, right=False))
    assert [record.reward_A[0] for record in (first, second)] == [-4.0, -2.0]
    assert [record.capital_after.value_A[0] for record in (first, second)] == [-4.0, -6.0]


def test_successes_enter_the_context_and_failures_only_within_their_round() -> None:
    spec = tool_spec(rounds=3)
    records = [settle_round(spec, [], decided(spec, 1, tool=True, right=True))]
    records.append(settle_round(spec, records, decided(spec, 2, tool=False, right=False)))
    memory = EpisodeMemory(spec, (0,))
    memory.observe([observe_round(spec, record, (0,)) for record in records])
    view = memory.seat_view(0)
    problem = tool_usage_of(spec).numbers.problems[2].complex[0]
    wrong = replace(DIRECT, correct=False)
    messages = build_problem_messages(view, [wrong], problem, [ToolStep("<tool>1</tool>", "1")])
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[1]["content"] == (
        "Your experience so far:\n"
        "- simple problem, reasoned directly at cost 1: right\n"
        "- complex problem, used the tool at cost 3: right\n"
        "- simple problem, reasoned directly at cost 1: right\n"
        "- simple problem, reasoned directly at cost 1: wrong\n\n"
        f"Problem: {problem.text}\n{spec.scenario.answer_instruction}"
    )
    assert messages[3]["content"] == "<output>\n1\n</output>"
    assert "costs 3 units" in messages[0]["content"]


def test_the_log_keeps_solutions_and_the_tables_show_them(tmp_path) -> None:
    spec = tool_spec(rounds=2)
    cell = make_cell(spec)
    log = EventLog(tmp_path / "log")
    records = []
    for number, (tool, right) in enumerate([(True, True), (False, False)], start=1):
        records.append(settle_round(spec, records, decided(spec, number, tool=tool, right=right)))
        log.append(records[-1])
    log.close()
    read = read_event_log(tmp_path / "log")
    assert [record.decisions.solutions_A for record in read[spec.episode_id]] == [
        record.decisions.solutions_A for record in records
    ]
    tables = build_tables(cell, read)
    assert tables["solutions"].num_rows == 4
    assert tables["solutions"]["tool_statuses"].to_pylist() == [[], ["ok"], [], []]
    assert tables["decisions"]["correct"].to_pylist() == [True, False]
    assert tables["rounds"]["n_correct"].to_pylist() == [1, 0]
    assert tables["rounds"]["unit"].to_pylist() == tables["decisions"]["problem_id"].to_pylist()
    assert tables["cells"]["accuracy"].to_pylist() == [1.0, 0.0]
    assert tables["cells"]["accuracy_simple"].to_pylist() == [1.0, 1.0]
    assert tables["cells"]["deviant_rate"].to_pylist() == [0.0, 1.0]
    assert [rate.rate.rate for rate in round_rates(cell, read)] == [0.0, 1.0]
    assert [rate.n for rate in accuracies(cell, read, "complex")] == [1, 1]


def test_the_teacher_turns_from_the_tool_as_doing_without_pays() -> None:
    policy = ToolResponse()
    chances = [policy.direct_probability([DIRECT] * count, "complex") for count in range(5)]
    assert chances == sorted(chances)
    assert policy.direct_probability([], "simple") > policy.direct_probability([], "complex")
    assert policy.direct_probability([replace(DIRECT, correct=False)], "complex") < chances[0]
    assert strategy_counts([DIRECT, TOOL, replace(DIRECT, correct=False)]) == (1, 1, 1)
