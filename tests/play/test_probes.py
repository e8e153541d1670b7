"""Probes: which there are, how they are asked, and how an answer is read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from support import make_spec, record_round, role_play_spec, tool_spec

from atp_ray.checkpoint.scope import load_scope
from atp_ray.config_files import config_names
from atp_ray.errors import ScopeError, UsageError
from atp_ray.paradigms.grids import load_grid
from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.requests import AsideSettings
from atp_ray.play.answers import Probed, SeatAnswer, answer_columns
from atp_ray.play.asides import aside_messages, asides_of
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.probe_answers import read_answer
from atp_ray.play.probes import Probe, load_probe, with_probe_files
from atp_ray.play.rounds import observe_round, settle_round

OWN = {"name": "own", "question": "How sure are you?", "answer": "number"}


@pytest.mark.parametrize("name", config_names("probes"))
@pytest.mark.parametrize("make", [make_spec, role_play_spec, tool_spec])
def test_every_shipped_probe_can_be_put_and_its_example_is_read(name: str, make) -> None:
    probe = load_probe(name)
    assert probe.name == name
    spec = make()
    if probe.about_others and spec.parameters.n_agents == 1:
        return
    spec = type(spec)(**(dict(spec) | {"probes": (probe,)}))
    (aside,) = asides_of(spec, "probe", 1)
    view = EpisodeMemory(spec, (0,)).seat_view(0)
    asked = aside_messages(view, aside)
    assert asked[:-1] == paradigm(spec.paradigm).environment.messages(view)
    assert probe.words(spec.scenario.options, spec.parameters.n_agents) in asked[-1]["content"]
    assert aside.unread(aside.example) is None


@pytest.mark.parametrize(
    ("kind", "reply", "text", "value"),
    [
        ("number", '{"answer": 3}', "3", 3.0),
        ("number", 'I think so.\n```json\n{"answer": "about 4 of them"}\n```', "about 4 of them", 4.0),
        ("number", "<think>5? {\"answer\": 5}</think>{'answer': 2.5}", "2.5", 2.5),
        ("number", "7", "7", 7.0),
        ("number", '{"answer": "3-4"}', "3-4", None),
        ("number", '{"answer": true}', "yes", None),
        ("number", '{"answer": NaN}', "nan", None),
        ("number", '{"answer": 1, "answer": 2}', None, None),
        ("number", '{"choice": "3"}', None, None),
        ("number", "", None, None),
        ("number", "<think>3", None, None),
        ("yes_no", '{"answer": "Yes."}', "Yes.", 1.0),
        ("yes_no", '{"answer": false}', "no", 0.0),
        ("yes_no", "No", "No", 0.0),
        ("yes_no", '{"answer": "perhaps"}', "perhaps", None),
        ("text", '{"answer": "whoever joins, wins"}', "whoever joins, wins", None),
        ("text", "Whoever joins, wins.", "Whoever joins, wins.", None),
    ],
)
def test_an_answer_is_read_as_it_was_meant_or_not_at_all(kind, reply, text, value) -> None:
    found = read_answer(reply, kind)
    assert (found.text, found.value) == (text, value)
    assert (found.reason is None) == (value is not None or (kind == "text" and text is not None))


@given(st.text(), st.sampled_from(["number", "yes_no", "text"]))
def test_any_reply_has_a_reading_or_a_reason(reply: str, kind) -> None:
    found = read_answer(reply, kind)
    assert found.reason is not None or found.text is not None
    assert found.value is None or np.isfinite(found.value)


def test_probes_are_asked_in_their_rounds_and_no_memory_has_them() -> None:
    probes = (load_probe("is_test"),)
    spec = make_spec(n=2, threshold=1, probes=probes, probe_rounds=(2, 3))
    assert [len(asides_of(spec, "probe", number)) for number in (1, 2, 3)] == [0, 1, 1]
    assert [len(make_spec(probes=probes).probes_at(number)) for number in (1, 2)] == [1, 1]
    asked = Probed("is_test", answer_columns([SeatAnswer("yes", 1), SeatAnswer("no", 1)]))
    plain = record_round(spec, [], [1, 0])
    probed = settle_round(spec, [], plain.decisions, [asked])
    assert probed.probed == (asked,)
    assert repr(observe_round(spec, probed, (0, 1))) == repr(observe_round(spec, plain, (0, 1)))


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"question": "Will {who} join?"}, "unknown {who}; there are deviant, compliant, n_others"),
        ({"question": "Is {this?"}, "write a brace as {{ or }}"),
        ({"answer": "yes_no", "against": "deviant_others"}, "only a number can be compared"),
        ({"name": "a b"}, "should match pattern"),
    ],
)
def test_a_probe_that_cannot_be_asked_is_refused(changed, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Probe(**(OWN | changed))
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"probe_rounds": (1,)}, "there are no probes to ask"),
        ({"probes": (Probe(**OWN),), "probe_rounds": (1, 9)}, "there is no round 9 in 3"),
        ({"probes": (Probe(**OWN), Probe(**OWN))}, "two are called 'own'"),
    ],
)
def test_what_does_not_go_together_is_refused(fields, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        make_spec(**fields)


def test_an_agent_alone_is_not_asked_about_others() -> None:
    with pytest.raises(ValidationError, match="'expected_colluders' asks about other agents"):
        role_play_spec(probes=(load_probe("expected_colluders"),))


def test_probes_are_named_written_out_or_read_from_a_file(tmp_path) -> None:
    (tmp_path / "own.yaml").write_text("name: own\nquestion: How sure are you?\nanswer: number\n")
    given = with_probe_files({"probes": f"is_test,{tmp_path}/own.yaml", "probe_rounds": "1,3"})
    settings = AsideSettings.model_validate(given)
    assert settings.probes == (load_probe("is_test"), Probe(**OWN))
    assert settings.probe_rounds == (1, 3)
    # Over HTTP no file is read, whatever its name.
    with pytest.raises(ValidationError, match="unknown probe"):
        AsideSettings.model_validate({"probes": [f"{tmp_path}/own.yaml"]})


def test_a_grid_takes_probes_and_keeps_their_whole_text() -> None:
    grid = load_grid("figure3", ["talk=100", "probes=is_test,the_rule", "probe_rounds=3"])
    assert [probe.name for probe in grid.probes] == ["is_test", "the_rule"]
    assert (grid.talk, grid.probe_rounds) == (100, (3,))
    kept = grid.model_dump(mode="json", exclude_unset=True)["probes"][0]
    assert kept["question"] == load_probe("is_test").question
    with pytest.raises(UsageError, match="unknown probe 'is_tst'"):
        load_grid("figure3", ["probes=is_tst"])


def test_by_default_there_are_none_and_the_small_checkpoint_answers_none(tiny) -> None:
    from pathlib import Path

    assert not {"probes", "probe_rounds"} & set(make_spec().model_dump())
    with pytest.raises(ScopeError, match="was not trained on probes"):
        load_scope(Path(tiny.source)).check(make_spec(checkpoint="tiny", probes=(load_probe("is_test"),)))


def test_numbers_have_signs_and_dots_and_paths_are_yaml_or_yml(tmp_path) -> None:
    for reply, value in (('{"answer": "-2.5"}', -2.5), ('{"answer": "v1.2.3"}', None), ('{"answer": 1e999}', None)):
        assert read_answer(reply, "number").value == value
    assert read_answer('{"answer": "x"}', "number").reason == "not a number answer"
    assert read_answer('{"answer": "x"}', "yes_no").reason == "not a yes-no answer"
    assert [read_answer(reply, "number").reason for reply in ("<think>3", "", '{"answer": 1, "answer": 2}')] == [
        "unfinished_thinking", "no_answer", "ambiguous",
    ]  # fmt: skip
    for reply in ('{"answer": [1]}', '{"answer": " "}'):
        assert read_answer(reply, "text") == (None, None, "no_answer")
    with pytest.raises(UsageError) as caught:
        load_probe("is_tset")
    assert str(caught.value).startswith("probes: unknown probe 'is_tset'. Did you mean 'is_test'?")
    for name in ("a.yml", "b.yaml"):
        (tmp_path / name).write_text("name: own\nquestion: How sure?\nanswer: number\n")
        path = f" {tmp_path / name} "
        assert with_probe_files({"probes": ["is_test", path]})["probes"][1]["name"] == "own"
        assert with_probe_files({"probes": f"is_test,{path}"})["probes"][0] == "is_test"
