"""Games foresee: a fitted response is played by the rule of the analytic policy, with what was found in a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from pydantic import ValidationError

import atp_ray
from atp_ray.errors import UsageError
from atp_ray.paradigms.games.observed import Observed, observed_games
from atp_ray.paradigms.games.quantal import FloatArray, GameResponse, QuantalResponse
from atp_ray.paradigms.games.responses import (
    FEATURES,
    Family,
    LogisticResponse,
    chances,
    fit_logistic,
    fit_quantal,
    log_loss,
)
from atp_ray.paradigms.games.seat_chances import seat_chances
from atp_ray.paradigms.responding import FitSource, FittedRun, Responding
from atp_ray.play.memory import EpisodeMemory

LABEL = "A response model fitted to games of {checkpoint}; it is not {checkpoint} itself."
MOST_FOLDS = 5
LEAST_EPISODES = 10
_QUANTAL = ("inverse_temperature", "prior_collude", "prior_refrain", "success_pull", "failure_pull")


class FittedGames(FittedRun):
    """A response to games: the chosen family's parameters, and those of each bootstrap sample of the episodes."""

    paradigm: Literal["games"] = "games"
    family: Family
    quantal: QuantalResponse | None = None
    logistic: LogisticResponse | None = None
    bootstrap: tuple[tuple[float, ...], ...]

    @property
    def response(self) -> GameResponse:
        """What plays."""
        chosen = self.quantal if self.family == "quantal" else self.logistic
        if chosen is None:
            raise UsageError(f"has no parameters of its family {self.family}", "the response", "Fit it again")
        return chosen

    def described(self) -> list[tuple[str, float, float, float]]:
        """Return each parameter with its estimate and the ends of its 95 % interval."""
        names = [name.replace("_", " ") for name in _QUANTAL] if self.family == "quantal" else list(FEATURES)
        low_P, high_P = np.quantile(np.array(self.bootstrap), [0.025, 0.975], axis=0)
        values = _values(self.response)
        return [(name, *found) for name, *found in zip(names, values, low_P.tolist(), high_P.tolist(), strict=True)]


class GameResponding(Responding):
    """Fits and plays responses to games."""

    def fit(self, source: FitSource, n_bootstrap: int, seed: int, on_step: Callable[[int, int], None]) -> FittedGames:
        """Fit both families to the decisions of a checkpoint and keep the one that foresees held-out episodes better.

        Raises:
            UsageError: the run has no decisions of it, or too few episodes to hold some out.
        """
        observed = observed_games(source.run_dir, source.checkpoint)
        n_episodes = len(observed.colluded_EU)
        if n_episodes < LEAST_EPISODES:
            what = f"has {n_episodes} episodes with {source.checkpoint}, a fit needs {LEAST_EPISODES}"
            raise UsageError(what, str(source.run_dir), "Play more settings, games or --seeds")
        generator = np.random.default_rng(seed)
        fold_E = generator.permutation(np.arange(n_episodes) % MOST_FOLDS)
        total, done = 2 * MOST_FOLDS + 1 + n_bootstrap, 0

        def step() -> None:
            nonlocal done
            done += 1
            on_step(done, total)

        losses: dict[str, float] = {}
        for family in ("quantal", "logistic"):
            found = []
            for fold in range(MOST_FOLDS):
                response = _fitted(family, observed, (fold_E != fold).astype(float))
                held_E = (fold_E == fold).astype(float)
                counts = held_E @ observed.colluded_EU, held_E @ observed.refrained_EU
                found.append((log_loss(chances(response, observed), *counts), sum(count.sum() for count in counts)))
                step()
            losses[family] = float(np.average([loss for loss, _ in found], weights=[size for _, size in found]))
        chosen: Family = "quantal" if losses["quantal"] <= losses["logistic"] else "logistic"
        best = _fitted(chosen, observed, np.ones(n_episodes))
        step()
        draws = []
        for _ in range(n_bootstrap):
            weight_E = generator.multinomial(n_episodes, np.full(n_episodes, 1 / n_episodes)).astype(float)
            draws.append(_values(_fitted(chosen, observed, weight_E, best)))
            step()
        colluded_U, refrained_U = observed.colluded_EU.sum(axis=0), observed.refrained_EU.sum(axis=0)
        n_decisions = float(colluded_U.sum() + refrained_U.sum())
        rate = np.full(len(colluded_U), colluded_U.sum() / n_decisions)
        return FittedGames(
            label=LABEL.format(checkpoint=source.checkpoint),
            family=chosen,
            losses=losses,
            base_loss=log_loss(rate, colluded_U, refrained_U),
            checkpoint=source.checkpoint,
            episodes=n_episodes,
            decisions=int(n_decisions),
            version=atp_ray.__version__,
            quantal=best if isinstance(best, QuantalResponse) else None,
            logistic=best if isinstance(best, LogisticResponse) else None,
            bootstrap=tuple(draws),
        )

    def read(self, text: str, where: str) -> FittedGames:
        """Return a response from its file.

        Raises:
            UsageError: it is none.
        """
        try:
            return FittedGames.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            what = f"is no response to games: {'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise UsageError(what, where, "Give a file that `foresight fit RUN` wrote") from error

    def deviant_chances(self, response: FittedRun, memory: EpisodeMemory, indices: Sequence[int]) -> FloatArray:
        """Return the fitted probability of colluding, from the last round alone."""
        if not isinstance(response, FittedGames):
            raise UsageError(f"was fitted to {response.paradigm}", "the response", "It plays games only")
        return seat_chances(response.response, memory, indices)


def _fitted(family: str, observed: Observed, weight_E: FloatArray, start: GameResponse | None = None) -> GameResponse:
    counts = weight_E @ observed.colluded_EU, weight_E @ observed.refrained_EU
    if family == "logistic":
        return fit_logistic(observed, *counts)
    return fit_quantal(observed, *counts, start if isinstance(start, QuantalResponse) else None)


def _values(response: GameResponse) -> tuple[float, ...]:
    if isinstance(response, LogisticResponse):
        return response.coefficients
    return tuple(float(getattr(response, name)) for name in _QUANTAL)


RESPONDING = GameResponding()
