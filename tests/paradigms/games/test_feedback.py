"""What a seat is told of a past round: with counts and percentages, or without, as the reference tells it."""

import re

import pytest
from support import make_spec, record_round

from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.prompts import build_messages
from atp_ray.play.rounds import observe_round


def told(actions, **fields) -> list[str]:
    spec = make_spec(n=4, threshold=3, **fields)
    memory = EpisodeMemory(spec, (0,))
    memory.observe([observe_round(spec, record_round(spec, [], actions), (0,))])
    return [message["content"] for message in build_messages(memory.seat_view(0))]


def test_four_messages_tell_a_past_round_and_by_default_the_outcome_has_counts() -> None:
    _, question, own, others, outcome, again = told([1, 1, 1, 0])
    assert question == again
    assert own == '{"choice": "share information"}'
    assert others.startswith("The others chose: agent 2 share information; ")
    assert outcome.startswith("3 of all 4 (75%) chose to share information: enough. ")


@pytest.mark.parametrize(("actions", "verdict"), [([1, 1, 1, 0], "Enough"), ([1, 1, 0, 0], "Not enough")])
def test_without_counts_only_the_choices_and_ones_own_capital_are_told(actions, verdict) -> None:
    *_, others, outcome, _ = told(actions, feedback="choices")
    assert others == told(actions)[3]
    assert outcome.startswith(f"{verdict} chose to share information. Your ")
    assert "%" not in outcome
    # The only numbers left are the seat's own capital.
    assert len(re.findall(r"[\d.]*\d", outcome)) == 2


def test_counts_cannot_be_shown_and_hidden() -> None:
    with pytest.raises(ValueError, match="hides the counts, which are all that visibility 'counts' shows"):
        make_spec(visibility="counts", feedback="choices")
