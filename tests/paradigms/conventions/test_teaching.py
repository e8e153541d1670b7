"""What a small checkpoint is taught of naming games."""

from __future__ import annotations

import re

import numpy as np
import pytest
from naming_play import naming_spec, remembered, settle_all

from atp_ray.checkpoint.scope import TrainingScope, scenario_digest
from atp_ray.paradigms.conventions.environment import ENVIRONMENT
from atp_ray.paradigms.conventions.quantal import QuantalNaming
from atp_ray.paradigms.conventions.scenario_files import load_naming_games
from atp_ray.paradigms.conventions.scenarios import naming_of
from atp_ray.paradigms.conventions.teaching import TEACHING
from atp_ray.paradigms.conventions.transcripts import teacher_chances, teacher_reply
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.parsing import parse_choice
from atp_ray.tiny.scope import shipped_scope


@pytest.fixture(scope="module")
def scope() -> TrainingScope:
    return shipped_scope("tiny-names")


def test_the_teacher_counts_names_met_and_decides_as_the_policy() -> None:
    spec = naming_spec(n_agents=2, n_names=3, established="C")
    memory = remembered(spec, settle_all(spec, [[0, 2], [0, 2]]), (0, 1))
    view = memory.seat_view(0)
    assert teacher_reply(view, 2) == 'Met C 3, B 2. {"choice": "B"}'
    assert teacher_chances(view, QuantalNaming()).tolist() == ENVIRONMENT.option_chances(memory, [0])[0].tolist()
    nobody = EpisodeMemory(naming_spec(), (0,)).seat_view(0)
    assert teacher_reply(nobody, 0) == 'Met nobody. {"choice": "M"}'


@pytest.mark.slow
def test_transcripts_are_wide_inside_the_scope_and_the_same_for_a_seed(scope) -> None:
    drawn = [source.transcript() for source in [TEACHING.transcripts(scope, 3)] for _ in range(300)]
    again = TEACHING.transcripts(scope, 3)
    assert drawn[:20] == [again.transcript() for _ in range(20)]
    lists, meetings = [], []
    for one in drawn:
        system, user, reply = (message["content"] for message in one.messages)
        assert one.trained == (False, False, True)
        names = user.partition("The names: ")[2].partition(".")[0].split(", ")
        choice = parse_choice(reply, names).choice
        assert choice in names
        lists.append(len(names))
        meetings.append(user.count("You: "))
        told = [int(count) for count in re.findall(r" (\d+)[,.]", reply.partition("{")[0])]
        assert sum(told) == meetings[-1]
        assert "other player" in system or "two of you meet" in system
    assert set(lists) == set(range(2, 11))
    assert set(meetings) == set(range(6))


def test_what_it_is_not_taught_is_said(scope) -> None:
    def outside(**asked: object) -> str | None:
        return TEACHING.outside(naming_spec(**asked), scope)

    assert outside() is None
    assert outside(n_names=10, established="A", committed=1, pairing="asynchronous") is None
    assert outside(n_names=11) == "11 names (at most 10)"
    assert outside(history_window=6) == "memories of 6 meetings (at most 5)"
    assert outside(n_agents=1000) == "n = 1000 (at most 512)"
    assert "the name 'Zig'" in str(outside(names="Zig,Zag"))
    assert "points 10 and -50" in str(outside(success=10))


def test_a_wording_is_known_whatever_the_names_of_an_episode() -> None:
    (game,) = (game for game in load_naming_games() if game.name == "letters")
    digests = {scenario_digest(naming_spec(**asked).scenario) for asked in ({}, {"n_names": 4}, {"challenger": "Q"})}
    assert digests == {scenario_digest(game)}


def test_a_stand_in_answers_as_the_teacher_or_says_any_name() -> None:
    view = EpisodeMemory(naming_spec(n_names=4, established="B"), (0,)).seat_view(0)
    taught, free = TEACHING.stand_in(0, taught=True), TEACHING.stand_in(0, taught=False)
    assert {taught.reply(view, []) for _ in range(20)} == {'Met B 5. {"choice": "B"}'}
    assert {parse_choice(free.reply(view, []), tuple("ABCD")).choice for _ in range(60)} == set("ABCD")


class Teacher:
    """Answers what it is sent as the teacher does, from the prompt alone."""

    def replies(self, conversations: list) -> list[str]:
        random, found = np.random.default_rng(0), []
        for messages in conversations:
            text = messages[-1]["content"]
            names = text.partition("The names: ")[2].partition(".")[0].split(", ")
            met = re.findall(r"partner: ([\w -]+),", text)
            met_SK = np.array([[met.count(name) for name in names]], dtype=float)
            chance_K = QuantalNaming().chances(met_SK, 100, -50)[0]
            found.append(f'{{"choice": "{names[int(random.choice(len(names), p=chance_K))]}"}}')
        return found


def test_calibration_compares_with_the_teacher_by_the_number_of_names(scope) -> None:
    (part,) = TEACHING.calibration(Teacher(), scope, states=40, repeats=20)
    assert [fit.kind for fit in part.fits] == ["2 names", "3..5 names", "6..10 names"]
    assert all(fit.parsed == 1 for fit in part.fits)
    assert all(fit.mean_absolute_error < 2 * fit.noise + 0.01 for fit in part.fits)


def test_states_say_how_likely_the_challenger_is(scope) -> None:
    source = TEACHING.transcripts(scope, 5)
    states = [source.state((2, 2)) for _ in range(50)]
    assert {len(naming_of(state.view.spec).numbers.names) for state in states} == {2}
    assert min(state.probability for state in states) < 0.05
    assert max(state.probability for state in states) > 0.95
