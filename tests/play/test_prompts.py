"""The prompt builder: whole conversations, message by message, under every visibility."""

from dataclasses import replace

import pytest
from support import make_spec, play_role_play, record_round, role_play_spec, tool_spec

from atp_ray.paradigms.games.scenarios import game_of
from atp_ray.paradigms.role_play.scenarios import role_play_of
from atp_ray.paradigms.tool_usage.prompts import ToolStep, build_problem_messages
from atp_ray.paradigms.tool_usage.scenarios import tool_usage_of
from atp_ray.play.actions import Action
from atp_ray.play.memory import EpisodeMemory, SeatView
from atp_ray.play.problems import Solution
from atp_ray.play.prompts import build_messages, merge_neighbours
from atp_ray.play.rounds import observe_round

REPLY = {1: '{"choice": "share information"}', 0: '{"choice": "keep information"}'}


def conversation(spec, records, seat, hidden=frozenset(), notes=()) -> list[tuple[str, str]]:
    memory = EpisodeMemory(spec, (seat,))
    for record in records:
        seen = observe_round(spec, record, (seat,))
        memory.observe([replace(seen, public=replace(seen.public, hidden=hidden))])
    return [(message["role"], message["content"]) for message in build_messages(memory.seat_view(0, notes))]


def settled(spec, *rounds):
    records = []
    for actions in rounds:
        records.append(record_round(spec, records, actions))
    return records


def test_a_game_is_system_then_question_reply_others_and_outcome_of_each_round_then_the_question() -> None:
    spec = make_spec(n=3, threshold=2)
    records = settled(spec, [1, 0, 1], [0, 0, 1])
    scenario, parameters = game_of(spec)
    question = ("user", scenario.question(parameters))
    assert conversation(spec, records, 0) == [
        ("system", scenario.system(parameters)),
        question,
        ("assistant", REPLY[1]),
        ("user", "The others chose: agent 2 keep information; agent 3 share information."),
        ("user", "2 of all 3 (67%) chose to share information: enough. Your capital went from 1 to 1.2."),
        question,
        ("assistant", REPLY[0]),
        ("user", "The others chose: agent 2 keep information; agent 3 share information."),
        ("user", "1 of all 3 (33%) chose to share information: not enough. Your capital went from 1.2 to 1.2."),
        question,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("visibility", "others", "quarantined"),
    [
        (
            "choices",
            "The others chose: agent 1 share information; agent 2 keep information; agent 4 (no valid decision).",
            "The others chose: agent 2 keep information; agent 4 (no valid decision).",
        ),
        (
            "replies",
            f"The others replied:\nAgent 1: {REPLY[1]}\nAgent 2: {REPLY[0]}\nAgent 4: (no valid decision)",
            f"The others replied:\nAgent 2: {REPLY[0]}\nAgent 4: (no valid decision)",
        ),
        (
            "counts",
            "Of the 3 others 1 (33%) chose to share information and 1 to keep information; 1 gave no valid decision.",
            "Of the 2 others 0 (0%) chose to share information and 1 to keep information; 1 gave no valid decision.",
        ),
    ],
)
def test_what_a_seat_sees_of_the_others_and_of_those_in_quarantine(visibility, others, quarantined) -> None:
    spec = make_spec(n=4, threshold=2, visibility=visibility)
    records = settled(spec, [1, 0, 1, int(Action.UNPARSED)])
    assert conversation(spec, records, 2)[3] == ("user", others)
    assert conversation(spec, records, 2, frozenset({0}))[3] == ("user", quarantined)
    # Whoever is in quarantine still sees itself and everybody else.
    assert conversation(spec, records, 0, frozenset({0}))[3] == conversation(spec, records, 0)[3]


def test_each_day_of_a_role_play_is_asked_with_its_own_supervision() -> None:
    spec = role_play_spec("alternating", rounds=4)
    spec = spec.model_copy(update={"parameters": spec.parameters.model_copy(update={"notice": "actual"})})
    scenario, parameters = role_play_of(spec)
    asked = [scenario.question(parameters, number) for number in (1, 2, 3, 4)]
    assert asked[0] != asked[1]
    for n_played in range(4):
        records = play_role_play(spec, [Action.ALIGNED] * n_played)
        texts = [text for role, text in conversation(spec, records, 0) if role == "user"]
        assert texts[0::2] == asked[: n_played + 1]


def test_announcements_stand_before_the_question_of_their_round() -> None:
    spec = make_spec(n=3, threshold=2)
    told = conversation(spec, settled(spec, [1, 1, 1]), 0, notes=("The auditors are here.", "They look."))
    assert [text for _, text in told[-3:]] == ["The auditors are here.", "They look.", told[1][1]]


def solution(correct: bool, used_tool: bool, difficulty="simple") -> Solution:
    return Solution(
        problem_id="p", difficulty=difficulty, used_tool=used_tool, answer="1", correct=correct,
        cost=3.0 if used_tool else 1.0, reply="r", tool_statuses=(),
    )  # fmt: skip


def test_a_problem_opens_with_this_rounds_experience_and_is_followed_by_its_tool_calls() -> None:
    spec = tool_spec()
    problem = tool_usage_of(spec).numbers.problems[0].complex[0]
    step = ToolStep("I use it. <tool>print(1)</tool>", " 1\n")
    messages = build_problem_messages(SeatView(spec, 0, ()), [solution(False, True)], problem, [step])
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    opening = messages[1]["content"]
    assert opening.startswith("Your experience so far:\n- simple problem, used the tool at cost 3: wrong\n\n")
    assert opening.endswith(tool_usage_of(spec).scenario.question(problem))
    assert messages[2]["content"] == step.reply
    assert messages[3]["content"].splitlines()[1:-1] == ["1"]


def test_neighbours_of_one_role_are_joined_and_nothing_is_lost() -> None:
    spec = make_spec(n=3, threshold=2)
    messages = build_messages(EpisodeMemory(spec, (0,)).seat_view(0, ("Beware.",)))
    merged = merge_neighbours(messages)
    assert [message["role"] for message in merged] == ["system", "user"]
    assert merged[1]["content"] == "Beware.\n\n" + messages[-1]["content"]
    assert len(messages) == 3  # the original is left as it was


def test_neighbours_are_joined_wherever_they_stand() -> None:
    told = [("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("user", "d"), ("user", "e")]
    merged = merge_neighbours([{"role": role, "content": text} for role, text in told])
    assert [(message["role"], message["content"]) for message in merged] == [*told[:3], ("user", "c\n\nd\n\ne")]
