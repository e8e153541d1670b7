"""Naming games in which agents talk before they choose, and those on a network."""

from __future__ import annotations

import numpy as np
import pytest
from naming_play import naming_spec, said, settle_all

from atp_ray.checkpoint.names import resolve_checkpoints
from atp_ray.errors import UsageError
from atp_ray.paradigms.conventions.environment import ENVIRONMENT
from atp_ray.paradigms.conventions.pairing import NOBODY, partners_of
from atp_ray.paradigms.grids import expand, load_grid
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.rounds import observe_round, settle_round
from atp_ray.play.turns import Talk

WORDS = ("say M", None, "say Q", 'I "like" M')


def prompt(spec, settled, seat: int, talk: Talk | None) -> str:
    memory = EpisodeMemory(spec, (seat,))
    memory.observe([observe_round(spec, record, (seat,)) for record in settled])
    return "\n".join(message["content"] for message in ENVIRONMENT.messages(memory.seat_view(0, talk=talk)))


def test_a_seat_hears_its_partner_and_does_not_learn_who_that_is() -> None:
    spec = naming_spec(talk=200)
    partner_A = partners_of(spec, 1)
    for seat in range(4):
        text = prompt(spec, [], seat, Talk(WORDS))
        heard = WORDS[partner_A[seat]]
        assert (
            f"partner said: {'nothing' if heard is None else chr(34) + heard.replace(chr(34), chr(39)) + chr(34)}"
            in text
        )
        assert "Agent" not in text
        assert "without talking" not in text
        others = [words for other, words in enumerate(WORDS) if words and other not in (seat, partner_A[seat])]
        assert not any(words in text for words in others)
    assert "without talking" in prompt(naming_spec(), [], 0, None)


def test_a_meeting_is_remembered_with_what_the_partner_said() -> None:
    spec = naming_spec(talk=200)
    record = settle_round(spec, [], said([0, 1, 0, 1])._replace(said_A=WORDS))
    partner_A = partners_of(spec, 1)
    for seat in range(4):
        line = next(line for line in prompt(spec, [record], seat, None).splitlines() if line.startswith("You: "))
        heard = WORDS[partner_A[seat]]
        assert ("partner said before" in line) == (heard is not None)
        assert heard is None or heard.replace('"', "'") in line


def test_of_a_quarantined_partner_nothing_is_heard() -> None:
    spec = naming_spec(talk=200)
    partner = int(partners_of(spec, 1)[0])
    assert "partner said: nothing" in prompt(spec, [], 0, Talk(("a", "b", "c", "d"), frozenset({partner})))


def test_on_a_network_neighbours_meet_and_turns_are_counted_exactly() -> None:
    spec = naming_spec(n_agents=9, network="ring:k=2", rounds=20)
    for number in range(1, 21):
        partner_A = partners_of(spec, number)
        met = np.flatnonzero(partner_A != NOBODY)
        assert set(((partner_A[met] - met) % 9).tolist()) <= {1, 8}
    n_asked = sum(int((partners_of(spec, number) != NOBODY).sum()) for number in range(1, 21))
    assert ENVIRONMENT.n_turns(spec) == n_asked
    played = settle_all(naming_spec(n_agents=9, network="ring:k=2", rounds=2), [[0] * 9] * 2)
    assert [record.decisions.n_asked for record in played] == [
        int((partners_of(spec, number) != NOBODY).sum()) for number in (1, 2)
    ]


def test_networks_and_placement_are_axes_and_columns() -> None:
    grid = load_grid(
        "conventions_minority",
        ["n_agents=12", "committed=3", "network=complete,barabasi_albert:m=2", "placement=hubs"],
        checkpoints=["policy:quantal"],
    )
    cells = expand(grid, resolve_checkpoints(["policy:quantal"], None))
    assert [str(cell.episodes[0].network) for cell in cells] == ["complete", "barabasi_albert:m=2"]
    assert [cell.setting["placement"] for cell in cells] == ["hubs", "hubs"]
    spec = cells[1].episodes[0]
    committed = [seat for seat, group in enumerate(spec.seat_groups) if group.checkpoint == "policy:collude"]
    degree_A = spec.neighbours.degree_A
    assert min(degree_A[committed]) >= max(np.delete(degree_A, committed))


def test_what_no_network_can_be_is_one_line() -> None:
    with pytest.raises(UsageError, match="k"):
        naming_spec(n_agents=4, network="ring:k=6")
