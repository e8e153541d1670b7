"""Rounds of every shipped grid as the analytic policies play them, many runs at a time in numpy; no Ray, no model.

Axes: R runs, U units (scenarios, prompts), S seeds, E episodes. With `spread` above 0 units differ: a normal effect of
that standard deviation on the log-odds of the deviant action, drawn anew for every unit of every run. So a run's units
are a sample of a population of units, and the true rate is that of the population.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from atp_ray.paradigms.games.quantal import QuantalResponse
from atp_ray.paradigms.games.scenarios import GameNumbers
from atp_ray.paradigms.role_play.prompt_sets import role_play_prompts
from atp_ray.paradigms.role_play.quantal import ViolationResponse
from atp_ray.paradigms.role_play.scenario_files import load_role_plays
from atp_ray.paradigms.tool_usage.problem_pools.pools import POOL_SIZES
from atp_ray.paradigms.tool_usage.response import ToolResponse

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
LIMIT = 1e-12  # keeps log-odds finite


class SimulatedRound(NamedTuple):
    """One round of many runs of a cell: what `rate_interval` is given of each."""

    cell: str
    number: int
    deviant_RE: IntArray
    decisions: int  # of one episode
    unit_RE: IntArray

    @property
    def rate(self) -> float:
        """The true rate: the mean over all runs."""
        return float(self.deviant_RE.mean() / self.decisions)


def game_rounds(
    cell: str, numbers: GameNumbers, shape: tuple[int, int, int, int], rng: np.random.Generator, spread: float = 0.0
) -> Iterator[SimulatedRound]:
    """Yield the rounds of a cell of coordination games; `shape` is (runs, scenarios, seeds, rounds).

    With the analytic policy the number of colluders is a Markov chain: what a seat sees of a round is how many of the
    others colluded and whether that was enough.
    """
    runs, units, seeds, rounds = shape
    n, policy = numbers.n_agents, QuantalResponse()
    effect_RE = np.repeat(rng.normal(0, 1, (runs, units)) * spread, seeds, axis=1)
    unit_RE = np.broadcast_to(np.repeat(np.arange(units), seeds), effect_RE.shape)
    others = np.arange(n, dtype=float)
    chance_TN = np.stack(
        [policy.collude_probability(numbers, others, np.full(n, n - 1.0), success) for success in (False, True)]
    )
    first = float(policy.collude_probability(numbers)[0])
    k_RE = rng.binomial(n, _shifted(first, effect_RE))
    for number in range(1, rounds + 1):
        yield SimulatedRound(cell, number, k_RE, n, unit_RE)
        success_RE = (k_RE >= numbers.threshold).astype(int)
        again_RE = _shifted(chance_TN[success_RE, np.maximum(k_RE - 1, 0)], effect_RE)
        joins_RE = _shifted(chance_TN[success_RE, np.minimum(k_RE, n - 1)], effect_RE)
        k_RE = rng.binomial(k_RE, again_RE) + rng.binomial(n - k_RE, joins_RE)


def role_play_rounds(
    cell: str, shape: tuple[int, int, int], window: int, rng: np.random.Generator, spread: float = 0.0
) -> Iterator[SimulatedRound]:
    """Yield the rounds of as many prompts as the test set has, where every violation pays.

    Each run draws its prompts from the test set with replacement. `shape` is (runs, seeds, rounds).
    """
    runs, seeds, rounds = shape
    policy = ViolationResponse()
    ratios = np.array([prompt.high / prompt.low for prompt in role_play_prompts(load_role_plays("all"), "test")])
    units = len(ratios)
    drawn_RU = policy.inverse_temperature * np.log(rng.choice(ratios, (runs, units))) + policy.obedience
    base_RE = np.repeat(drawn_RU + rng.normal(0, 1, (runs, units)) * spread, seeds, axis=1)
    unit_RE = np.broadcast_to(np.repeat(np.arange(units), seeds), base_RE.shape)
    past: list[IntArray] = []
    for number in range(1, rounds + 1):
        paid_RE = np.minimum(sum(past[-window:], np.zeros_like(unit_RE)), policy.most_rewards)
        k_RE = rng.binomial(1, expit(base_RE + policy.reward_pull * paid_RE))
        yield SimulatedRound(cell, number, k_RE, 1, unit_RE)
        past.append(k_RE)


class Solving(NamedTuple):
    """Assumed, not measured: log-odds that a problem is solved, with and without the tool, and how problems differ."""

    simple_direct: float = 2.2
    complex_direct: float = -0.4
    tool: float = 1.7
    spread: float = 1.5


def tool_rounds(
    cell: str, shape: tuple[int, int, int, int], rng: np.random.Generator, spread: float = 0.0
) -> Iterator[tuple[SimulatedRound, SimulatedRound]]:
    """Yield doing without the tool, and solving, of each round; `shape` is (runs, agents, seeds, rounds).

    One simple and one complex problem a round. Choices are the analytic fit's; whether an answer is right is `Solving`.
    Problems are dealt from a pool: those of other seeds may come again.
    """
    runs, agents, seeds, rounds = shape
    policy, solving, pool = ToolResponse(), Solving(), POOL_SIZES["complex"]
    hardness_RP, taste_RP = rng.normal(0, solving.spread, (runs, pool)), rng.normal(0, 1, (runs, pool)) * spread
    dealt = rng.permuted(np.broadcast_to(np.arange(pool), (runs, seeds, pool)), axis=2)[:, :, : agents * rounds]
    problem_RER = dealt.reshape(runs, seeds * agents, rounds)
    direct_RE = tool_RE = np.zeros(problem_RER.shape[:2], dtype=int)
    for number in range(1, rounds + 1):
        problem_RE = problem_RER[:, :, number - 1]
        hardness_RE, taste_RE = (np.take_along_axis(of_RP, problem_RE, 1) for of_RP in (hardness_RP, taste_RP))
        known_RE = policy.reluctance + policy.direct_right * np.minimum(direct_RE, policy.most)
        known_RE = known_RE + policy.tool_right * np.minimum(tool_RE, policy.most)
        without_RE = rng.binomial(1, expit(known_RE + policy.simple_pull))
        right_RE = rng.binomial(1, expit(np.where(without_RE, solving.simple_direct, solving.tool)))
        wrong_RE = without_RE * (1 - right_RE)
        direct_now_RE, tool_now_RE = direct_RE + without_RE * right_RE, tool_RE + (1 - without_RE) * right_RE
        log_odds_RE = policy.reluctance + policy.direct_right * np.minimum(direct_now_RE, policy.most)
        log_odds_RE = log_odds_RE + policy.tool_right * np.minimum(tool_now_RE, policy.most) + policy.wrong * wrong_RE
        k_RE = rng.binomial(1, expit(log_odds_RE + taste_RE))
        solved_RE = rng.binomial(1, expit(np.where(k_RE, solving.complex_direct, solving.tool) - hardness_RE))
        yield (
            SimulatedRound(cell, number, k_RE, 1, problem_RE),
            SimulatedRound(f"{cell}, accuracy", number, solved_RE, 1, problem_RE),
        )
        direct_RE, tool_RE = direct_now_RE + k_RE * solved_RE, tool_now_RE + (1 - k_RE) * solved_RE


def _shifted(chance: FloatArray | float, effect_RE: FloatArray) -> FloatArray:
    shifted: FloatArray = expit(logit(np.clip(chance, LIMIT, 1 - LIMIT)) + effect_RE)
    return shifted
