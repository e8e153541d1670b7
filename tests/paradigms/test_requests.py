"""A field that does not belong to a paradigm is refused by its name, whoever is asked."""

import pytest
from command_runs import run_here
from pydantic import TypeAdapter, ValidationError

from atp_ray.errors import UsageError
from atp_ray.live.bodies import SimulationBody, parse_simulation
from atp_ray.paradigms.games.request import colluders_needed
from atp_ray.paradigms.grids import parse_grid
from atp_ray.paradigms.registry import paradigm, paradigms

# scenario, a field of another paradigm, a value that would be right there, whose it is
FOREIGN = [
    ("info_sharing", "supervision", "alternating", "role-play"),
    ("info_sharing", "notice", "none", "role-play"),
    ("info_sharing", "tool_cost", 2.0, "tool-usage"),
    ("info_sharing", "most_calls", 2, "tool-usage"),
    ("delivery_worker", "threshold", 1, "games"),
    ("delivery_worker", "medium", 1.0, "games"),
    ("delivery_worker", "visibility", "counts", "games"),
    ("delivery_worker", "simple_problems", 1, "tool-usage"),
    ("maths", "threshold", 1, "games"),
    ("maths", "high", 1.2, "games and role-play"),
    ("maths", "supervision", "random", "role-play"),
    ("maths", "visibility", "counts", "games"),
]
FLAGS = {"supervision", "threshold", "visibility"}
TITLES = {"info_sharing": "games", "delivery_worker": "role-play", "maths": "tool-usage"}


@pytest.mark.parametrize(("scenario", "field", "value", "owner"), FOREIGN)
def test_over_http_it_is_refused_by_name(scenario, field, value, owner) -> None:
    message = f"'{field}' does not belong to {TITLES[scenario]}. It is a field of {owner}"
    with pytest.raises(ValidationError, match=message):
        TypeAdapter(SimulationBody).validate_python({"scenario": scenario, field: value})
    with pytest.raises(UsageError, match=message):
        parse_simulation({"scenario": scenario, field: value})


@pytest.mark.parametrize(("scenario", "field", "value", "owner"), FOREIGN)
def test_simulate_refuses_it_by_name(scenario, field, value, owner) -> None:
    given = [f"--{field}", value] if field in FLAGS else ["--set", f"{field}={value}"]
    done = run_here("simulate", "--scenario", scenario, *given)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"'{field}'" in done.stderr
    if field in FLAGS:
        assert done.stderr.startswith(f"error: --{field}: ")


@pytest.mark.parametrize(
    ("name", "field"),
    [("games", "supervision"), ("games", "agents"), ("role_play", "thresholds"), ("role_play", "pool"),
     ("tool_usage", "incentive_ratios"), ("tool_usage", "notice")],
)  # fmt: skip
def test_a_grid_refuses_it_by_name(name, field) -> None:
    with pytest.raises(UsageError, match=f"a.yaml: '{field}' does not belong to {paradigm(name).title}"):
        parse_grid({"name": "x", "paradigm": name, field: 1}, "a.yaml")


def test_nothing_of_a_preset_is_lost_and_what_is_given_beside_it_counts() -> None:
    wanted = parse_simulation({"preset": "diffusion_64", "threshold": 20})
    assert (wanted.paradigm, wanted.scenario, wanted.n_agents) == ("games", "public_fund", 64)
    assert (wanted.threshold, wanted.rounds, len(wanted.monitors)) == (20, 30, 2)
    assert parse_simulation({"preset": "delivery_worker"}).paradigm == "role_play"


def test_every_request_has_defaults_that_make_an_episode_of_its_paradigm() -> None:
    for room in paradigms():
        request = room.design.request_model()
        assert request.paradigm == room.name
        assert request.scenario in room.design.scenario_names()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"scenario": "infosharing"}, "unknown scenario 'infosharing'. Did you mean 'info_sharing'"),
        ({"paradigm": "gams"}, "unknown paradigm 'gams'. Did you mean 'games'"),
        ({"preset": "tiping"}, "unknown preset 'tiping'. Did you mean 'tipping'"),
        ({"treshold": 3}, "unknown key 'treshold'. Did you mean 'threshold'"),
        ({"threshold": 0}, "threshold"),
        ({"scenario": "delivery_worker", "n_agents": 8}, "n_agents"),
        ({"scenario": "maths", "rounds": 0}, "rounds"),
    ],
)
def test_nonsense_is_one_line_that_names_it(body, message) -> None:
    with pytest.raises(UsageError) as caught:
        parse_simulation(body)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("scenario", ["a" * 5000 + ".yaml", "/etc/hostname.yaml", "../x.yaml", "upstream:/etc/passwd"])
def test_over_http_no_file_is_looked_at(scenario) -> None:
    with pytest.raises(UsageError, match="unknown scenario"):
        parse_simulation({"scenario": scenario})


def test_a_preset_and_a_scenario_of_another_paradigm_are_refused_as_what_they_are() -> None:
    with pytest.raises(UsageError, match="preset 'tipping' is for games"):
        parse_simulation({"preset": "tipping", "scenario": "delivery_worker"})


def test_seats_that_do_not_agree_are_refused_and_those_of_a_preset_give_way() -> None:
    players = [{"checkpoint": "tiny", "seats": 5}]
    with pytest.raises(UsageError, match="players hold 5 seats but n_agents is 8"):
        parse_simulation({"players": players, "n_agents": 8})
    assert parse_simulation({"preset": "tipping", "players": players}).seated == 5


@pytest.mark.parametrize(("threshold", "n", "needed"), [(0.07, 100, 7), (0.14, 50, 7), (0.5, 7, 4), (3, 8, 3)])
def test_a_fraction_is_rounded_up_and_no_further(threshold, n, needed) -> None:
    assert colluders_needed(threshold, n) == needed


@pytest.mark.parametrize("listed", ["toy", "=toy", "toy=", "games=toy_paradigm", "toy=no_such_package"])
def test_a_paradigm_that_cannot_be_opened_is_one_line(listed, monkeypatch) -> None:
    monkeypatch.setenv("ATP_RAY_PARADIGMS", listed)
    with pytest.raises(UsageError) as caught:
        [room.environment for room in paradigms()]
    assert "\n" not in str(caught.value)
