"""A response to names: what plays of it, what is said of it, and which episodes it cannot play."""

import numpy as np
import pytest
from naming_games import TRUTH, response
from naming_play import naming_spec, remembered, settle_all

from atp_ray.paradigms.conventions.fitted_names import FittedNames, of_interactions, outside_of, seat_chances
from atp_ray.paradigms.conventions.meetings import EMPTY, windows
from atp_ray.responses.response import CandidateLoss

DRAWS = [TRUTH.coefficient_F + shift for shift in (-0.3, 0.1, 0.2, 0.4)]


def test_it_has_the_best_loss_of_each_family_and_what_it_was_fitted_on() -> None:
    tried = (("lags", 1.0, 0.5), ("lags", 2.0, 0.4), ("lags", 3.0, 0.6), ("counts", 1.0, 0.7))
    candidates = tuple(CandidateLoss(family=name, penalty=by, held_out_loss=loss) for name, by, loss in tried)
    fit = response().model_copy(update={"candidates": candidates})
    assert of_interactions(fit) == FittedNames(
        label="known", family="lags", losses={"lags": 0.4, "counts": 0.7}, base_loss=0.7, checkpoint="known",
        episodes=2, decisions=9, sizes=(), version=fit.version, response=fit,
    )  # fmt: skip


def test_it_is_described_by_how_many_meetings_of_another_name_it_takes() -> None:
    rows = of_interactions(response(*DRAWS)).described()
    assert [name for name, *_ in rows] == [
        f"P(Q), met in the last {n} of 3, all else M" for n in range(4)
    ]  # fmt: skip
    own_UH, other_UH = np.zeros((4, 3), dtype=np.int8), np.tri(4, 3, -1, dtype=np.int8)[:, ::-1]
    chances = [
        response().model._replace(parameters_P=draw).chances(own_UH, other_UH)[:, 1]
        for draw in (TRUTH.coefficient_F, *DRAWS)
    ]
    expected = np.stack([chances[0], *np.quantile(chances[1:], [0.025, 0.975], axis=0)], axis=1)
    assert [row[1:] for row in rows] == pytest.approx([tuple(row) for row in expected.tolist()])


def test_it_plays_episodes_of_its_names_and_its_memory() -> None:
    assert outside_of(response(), naming_spec(history_window=3)) is None
    assert outside_of(response(), naming_spec(history_window=3, names="Q,M")) is None
    assert outside_of(response(), naming_spec(history_window=3, names="Q,X")) == (
        "was fitted to the names M, Q, not Q, X"
    )
    assert outside_of(response(), naming_spec(history_window=4)) == "remembers 3 meetings, agents here 4"


@pytest.mark.parametrize("names", ["M,Q", "Q,M"])
def test_each_seat_answers_what_it_remembers_whatever_the_order_of_the_names(names) -> None:
    spec = naming_spec(n_agents=6, history_window=3, names=names)
    said = np.random.default_rng(0).integers(-1, 2, size=(4, 6))
    memory = remembered(spec, settle_all(spec, said.tolist()), [5, 0, 2, 3])
    indices, fit = [3, 0, 0, 2], response()
    found_SK = seat_chances(fit, memory, indices)
    assert found_SK.shape == (4, 2)
    for index, chance_K in zip(indices, found_SK, strict=True):
        own_H, other_H = (
            np.array(
                [[EMPTY if option == EMPTY else fit.names.index(spec.scenario.options[option]) for option in part]]
            )
            for (part,) in windows(memory, [index])
        )
        expected = dict(zip(fit.names, fit.model.chances(own_H, other_H)[0], strict=True))
        assert chance_K == pytest.approx([expected[name] for name in spec.scenario.options])
