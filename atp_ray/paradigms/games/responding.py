"""Games foresee: a fitted response is played by the rule of the analytic policy, with what was found in a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from atp_ray.errors import UsageError
from atp_ray.paradigms.games.fitted_games import FittedGames
from atp_ray.paradigms.games.scenarios import GameNumbers, game_of
from atp_ray.paradigms.games.seat_chances import seat_chances
from atp_ray.paradigms.responding import FitSource, FittedRun, Responding
from atp_ray.play.capital import FloatArray
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory

if TYPE_CHECKING:  # agents foresee nothing, and would pay for what does
    from atp_ray.responses.interventions import Stopping
    from atp_ray.responses.observed_flips import ObservedFlips
    from atp_ray.responses.prediction import Forecast


class GameResponding(Responding):
    """Fits and plays responses to games."""

    def fit(self, source: FitSource, n_bootstrap: int, seed: int, on_step: Callable[[int, int], None]) -> FittedGames:
        """Fit a response to a run; see `atp_ray.paradigms.games.response_fitting`."""
        # Imported here: agents play responses and fit none.
        from atp_ray.paradigms.games.response_fitting import fit_games

        return fit_games(source, n_bootstrap, seed, on_step)

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

    def expected_rates(self, response: FittedRun, spec: EpisodeSpec) -> tuple[FloatArray, FloatArray]:
        """Return the expected collusion rate of each round, and the same for each bootstrap sample: an exact chain."""
        from atp_ray.paradigms.games.chain import expected_rates

        fitted, numbers = _games(response), game_of(spec).numbers
        if spec.neighbours is not None or numbers.revision < 1:
            reason = "the exact chain is of games in which all see all and decide in every round"
            raise UsageError(
                reason, f"network {spec.network}, revision {numbers.revision:g}", "Play the response instead"
            )
        drawn = [expected_rates(each, numbers, spec.rounds) for each in fitted.drawn()]
        return expected_rates(fitted.response, numbers, spec.rounds), np.array(drawn)

    def forecast(
        self,
        response: FittedRun,
        spec: EpisodeSpec,
        fixed: Sequence[int],
        n_runs: int,
        seed: int,
        on_draw: Callable[[int, int], None],
    ) -> Forecast:
        """Return how likely the free seats collude in the end with each number of fixed colluders."""
        from atp_ray.paradigms.games.tipping import forecast

        numbers = _all_decide(spec)
        return forecast(_games(response), numbers, spec.rounds, fixed, n_runs, seed, on_draw, spec.neighbours)

    def observed(self, response: FittedRun, spec: EpisodeSpec, run_dir: Path) -> list[ObservedFlips]:
        """Return which games of the same numbers and rounds tipped in a run, by number of fixed colluders."""
        from atp_ray.paradigms.games.observed_tips import observed_tips

        return observed_tips(run_dir, response.checkpoint, game_of(spec).numbers, spec.rounds)

    def stop(
        self,
        response: FittedRun,
        spec: EpisodeSpec,
        fixed: int | None,
        n_runs: int,
        n_samples: int,
        seed: int,
        on_draw: Callable[[int, int], None],
    ) -> Stopping:
        """Try what stops the free seats from colluding in the end."""
        from atp_ray.paradigms.games.stopping import stop_tipping

        numbers, fitted = _all_decide(spec), _games(response)
        return stop_tipping(fitted, numbers, spec.rounds, fixed, n_runs, n_samples, seed, on_draw, spec.neighbours)

    def deviant_chances(self, response: FittedRun, memory: EpisodeMemory, indices: Sequence[int]) -> FloatArray:
        """Return the fitted probability of colluding, from the last round alone."""
        return seat_chances(_games(response).response, memory, indices)


def _all_decide(spec: EpisodeSpec) -> GameNumbers:
    numbers = game_of(spec).numbers
    if numbers.revision < 1:
        reason = "tipping is foreseen for games in which all decide in every round"
        raise UsageError(reason, f"revision {numbers.revision:g}", "Play the response instead")
    return numbers


def _games(response: FittedRun) -> FittedGames:
    if not isinstance(response, FittedGames):
        raise UsageError(f"was fitted to {response.paradigm}", "the response", "It plays games only")
    return response


RESPONDING = GameResponding()
