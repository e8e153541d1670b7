"""Naming games of a known response, as a table of interactions."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import atp_ray
from atp_ray.responses.features import features
from atp_ray.responses.logistic import Logit
from atp_ray.responses.response import CandidateLoss, FittedOn, Response
from atp_ray.responses.window_codes import WindowCodes

NAMES, MEMORY = ("M", "Q"), 3
# Own and partner's name at each lag (oldest first), then a preference for each name and one that fades.
TRUTH = Logit(np.array([0.3, 0.5, 0.8, 0.4, 0.7, 1.1, 0.2, -0.2, 0.1, -0.1]))


def true_chances():
    """The probability of each name in each window, by code."""
    codes = WindowCodes(len(NAMES), MEMORY)
    return TRUTH.probabilities(features(*codes.windows(), len(NAMES), "lags"))


def play(n_runs, n_agents=8, n_interactions=150, seed=0, start=None, committed=0, to=1):
    """Rows of runs; from empty memories, or from full ones of `start` with the first agents committed to `to`."""
    generator, codes, chances = np.random.default_rng(seed), WindowCodes(len(NAMES), MEMORY), true_chances()
    rows = []
    for run in range(n_runs):
        code_A = np.full(n_agents, 0 if start is None else codes.full_of(start), dtype=np.int32)
        for interaction in range(1, n_interactions + 1):
            pair = generator.choice(n_agents, 2, replace=False)
            answers = [to if agent < committed else generator.choice(2, p=chances[code_A[agent]]) for agent in pair]
            for agent, own, other in zip(pair, answers, reversed(answers), strict=True):
                code_A[agent] = codes.remembered(code_A[agent], np.int8(own), np.int8(other))
            rows.append((run, interaction, *(pair + 1), *(NAMES[answer] for answer in answers)))
    columns = ("run", "interaction", "player_1", "player_2", "answer_1", "answer_2")
    table = {name: list(values) for name, values in zip(columns, zip(*rows, strict=True), strict=True)}
    experiment = "converged" if start is None else "swap"
    fixed = {"model": "known", "experiment": experiment, "options": "Q M", "n_agents": n_agents, "memory": MEMORY}
    return table | {name: [value] * len(rows) for name, value in (fixed | {"committed": committed}).items()}


def write(path: Path, *tables) -> Path:
    """Write tables of `play` as one."""
    pq.write_table(pa.concat_tables([pa.table(table) for table in tables]), path)
    return path


def response(*draws) -> Response:
    return Response(
        label="known", names=NAMES, memory=MEMORY, family="lags", penalty=1, coefficients=tuple(TRUTH.coefficient_F),
        bootstrap=tuple(tuple(draw) for draw in draws or [TRUTH.coefficient_F]),
        fitted_on=FittedOn(source="-", model="known", experiments=("converged",), n_agents=8, runs=2, decisions=9),
        candidates=(CandidateLoss(family="lags", penalty=1, held_out_loss=0.5),), base_loss=0.7,
        version=atp_ray.__version__,
    )  # fmt: skip
