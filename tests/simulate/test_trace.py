"""The trace in a terminal, with more than two options and with seats that are not asked in a round."""

from io import StringIO

import pytest
from naming_runs import play_told, trees
from rich.console import Console
from support import make_cell, make_spec, play

from atp_ray.paradigms.presentation import Presentation
from atp_ray.paradigms.registry import paradigm
from atp_ray.simulate.trace import print_trace


def traced(spec, records, n_replies=8) -> list[str]:
    console = Console(file=StringIO(), width=200, color_system=None)
    print_trace(console, make_cell(spec), records, n_replies)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines() if line.strip()]


def test_names_are_listed_and_their_shares_told_in_every_round() -> None:
    spec = trees(rounds=3)
    lines = traced(spec, play_told(spec))
    assert lines[0] == "Naming game with letters: ash, elm or oak"
    assert [line.split(":")[0] for line in lines if line.startswith("Round")] == ["Round 1", "Round 2", "Round 3"]
    assert all("%" in line for line in lines if line.startswith("Round"))


def test_a_plain_paradigm_tells_what_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(paradigm("conventions")), "presentation", Presentation())
    spec = trees(n=4, rounds=1)
    record = play_told(spec)[0]
    lines = traced(spec, [record])
    asked = record.decisions.asked_A.tolist()
    assert sum(asked) == 2
    assert lines[2].startswith("Round 1: ")
    assert lines[2].endswith(" 2 not asked yet (of 4)")
    for seat, was_asked in enumerate(asked):
        (line,) = [line for line in lines if line.startswith(f"agent {seat + 1} ")]
        assert ("not asked yet" in line) != was_asked


def test_a_game_is_told_as_before() -> None:
    spec = make_spec(n=8, rounds=1)
    lines = traced(spec, play(spec), n_replies=1)
    assert lines[0].endswith(": share information or keep information")
    assert lines[2].startswith("Round 1: ")
    assert lines[-1] == "... and 7 more (--replies N)"
