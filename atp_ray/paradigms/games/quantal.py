"""The analytic quantal-response policy: a player without a language model, and the teacher of the `tiny` checkpoint.

It is *not* from the paper. It believes that each other agent colludes with an unknown probability, Beta(2.4, 1.6)
before the first round; weighs the expected log-capital gain of colluding against the safe reward with inverse
temperature 8; and is drawn (+1.5) or put off (-0.7, in log-odds) by the last round's success or failure. These
constants make eight of them behave like the paper's base model; the paper's shape is put in, not found.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import betaincc, betaln, expit, gammaln

from atp_ray.config_files import Frozen
from atp_ray.paradigms.games.scenarios import GameNumbers

FloatArray = npt.NDArray[np.float64]
_LEAST_FACTOR = 0.05  # log(0) would make one possible failure infinitely bad
_EXACT_UP_TO = 512  # beyond this many others the beta limit of the beta-binomial is within 0.3 %


class GameResponse(Protocol):
    """What plays a game: the probability of colluding after a round, or before the first one."""

    def collude_probability(
        self,
        parameters: GameNumbers,
        others_deviant_S: FloatArray | None = None,
        others_decided_S: FloatArray | None = None,
        success: bool | None = None,
    ) -> FloatArray:
        """Return each seat's probability of colluding, [S]; [1] in the first round."""
        ...


class QuantalResponse(Frozen):
    """Parameters of the policy; dimensionless."""

    inverse_temperature: float = 8.0
    prior_collude: float = 2.4
    prior_refrain: float = 1.6
    success_pull: float = 1.5
    failure_pull: float = -0.7
    evidence_cap: float = 7.0  # a round of many agents counts as much as the seven others of the paper's games
    lapse: float = 0.0  # share of decisions that are a coin's, whatever was seen

    def collude_probability(
        self,
        parameters: GameNumbers,
        others_deviant_S: FloatArray | None = None,
        others_decided_S: FloatArray | None = None,
        success: bool | None = None,
    ) -> FloatArray:
        """Return each seat's probability of colluding, [S]; [1] in the first round.

        Args:
            others_deviant_S: colluders among the others in the last round, None before the first.
            others_decided_S: others whose decision was read in the last round.
            success: whether the last round's collusion succeeded.
        """
        if others_deviant_S is None or others_decided_S is None:
            evidence_S, pull = np.zeros((1, 2)), 0.0
        else:
            evidence_S = self.evidence(others_deviant_S, others_decided_S)
            pull = self.success_pull if success else self.failure_pull
        # As complex numbers, pairs are sorted ten times as fast as rows are.
        pairs, inverse = np.unique(evidence_S.view(np.complex128), return_inverse=True)
        cases = pairs.view(float).reshape(-1, 2)
        success_chance = self.success_chance(parameters.n_agents, parameters.threshold, cases)
        gain, loss = log_stakes(parameters)
        log_odds = self.inverse_temperature * (success_chance * gain + (1 - success_chance) * loss) + pull
        return self.with_lapses(expit(log_odds))[inverse.reshape(-1)]

    def with_lapses(self, chance: FloatArray) -> FloatArray:
        """Return the probability of colluding where `chance` is that of a decision that is no lapse."""
        lapsing: FloatArray = (1 - self.lapse) * chance + self.lapse / 2
        return lapsing

    def evidence(self, others_deviant_S: FloatArray, others_decided_S: FloatArray) -> FloatArray:
        """Return what was seen of the others as pseudo-counts [S, 2] of colluding and refraining."""
        weight_S = np.minimum(1.0, self.evidence_cap / np.maximum(others_decided_S, 1.0))
        return np.stack([others_deviant_S * weight_S, (others_decided_S - others_deviant_S) * weight_S], axis=1)

    def success_chance(self, n_agents: int, threshold: int, evidence_C2: FloatArray) -> FloatArray:
        """Return P(at least threshold - 1 of the others collude) per row of pseudo-counts [C]."""
        n_others, needed = n_agents - 1, threshold - 1
        if needed == 0:
            return np.ones(len(evidence_C2))
        a, b = self.prior_collude + evidence_C2[:, 0], self.prior_refrain + evidence_C2[:, 1]
        if n_others <= _EXACT_UP_TO:
            return _beta_binomial_tail(needed, n_others, a, b)
        return np.asarray(betaincc(a, b, (needed - 0.5) / n_others))


def log_stakes(parameters: GameNumbers) -> tuple[float, float]:
    """Return the logarithms of what colluding wins and loses against the safe reward."""
    payoffs = parameters.payoffs
    gain = np.log(payoffs.high / payoffs.medium)
    return float(gain), float(np.log(max(payoffs.low, _LEAST_FACTOR) / payoffs.medium))


def _beta_binomial_tail(least: int, n: int, a: FloatArray, b: FloatArray) -> FloatArray:
    """Return P(X >= least) for X beta-binomial with n trials, per row of a and b [C]."""
    # Summed by hand: scipy.stats would double what an agent process costs to start.
    k_K = np.arange(least, n + 1, dtype=float)
    log_choose_K = gammaln(n + 1) - gammaln(k_K + 1) - gammaln(n - k_K + 1)
    log_mass_CK = log_choose_K + betaln(k_K + a[:, None], n - k_K + b[:, None]) - betaln(a, b)[:, None]
    tail: FloatArray = np.minimum(1.0, np.exp(log_mass_CK).sum(axis=1))
    return tail
