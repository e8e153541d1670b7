"""Our messages as Inspect's: thinking apart, the conversation told once, whatever the window of the prompts."""

import pytest
from inspect_runs import needs_inspect
from support import make_spec, play

from atp_ray.play.prompts import merge_neighbours
from atp_ray.play.transcripts import seat_turns

pytestmark = [needs_inspect, pytest.mark.xdist_group("inspect")]


@pytest.mark.parametrize(
    ("reply", "thought", "said"),
    [
        ("Yes.", None, "Yes."),
        ("<think>\nHm.\n</think>\n\nYes.", "Hm.", "Yes."),
        ("I see.</think>Yes.\n", "I see.", "Yes."),
        ("<thinking>a</thinking>\n<think>b</think>\nYes.", "ab", "Yes."),
        ("<think>It never ends. Yes.", None, "<think>It never ends. Yes."),
        ("", None, ""),
    ],
)
def test_thinking_is_a_part_of_its_own(reply, thought, said) -> None:
    from atp_ray.inspect_tasks.chat import reply_message, reply_text
    from atp_ray.play.parsing import visible_reply

    message = reply_message(reply, "m")
    assert message.text.strip() == said
    parts = [] if isinstance(message.content, str) else message.content
    assert [part.reasoning for part in parts if part.type == "reasoning"] == ([thought] if thought else [])
    assert visible_reply(reply_text(message)) == visible_reply(reply)


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("window", [1, 2, 9])
def test_a_conversation_tells_every_round_once(window, merged) -> None:
    from atp_ray.inspect_tasks.chat import conversation

    spec = make_spec(n=3, threshold=2, rounds=5, history_window=window)
    exchanges = [exchange for turn in seat_turns(spec, play(spec)) if turn.seat == 1 for exchange in turn.exchanges]
    if merged:
        exchanges = [one._replace(messages=merge_neighbours(one.messages)) for one in exchanges]
    told = conversation(exchanges, "m")
    assert [message.role for message in told].count("system") == 1
    assert [message.text for message in told if message.role == "assistant"] == [one.reply for one in exchanges]
    everything = "\n".join(message.text for message in told if message.role == "user")
    assert everything.count("If at least 2 of all 3") == 5
    assert everything.count("Your capital went from") == 4
    assert len({message.id for message in told}) == len(told)
    assert [message.id for message in conversation(exchanges, "m")] == [message.id for message in told]
