"""The part of a paradigm that foresees: how a checkpoint's response is fitted to a run, and played without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from atp_ray.config_files import Frozen
from atp_ray.errors import UsageError
from atp_ray.play.capital import FloatArray
from atp_ray.play.chances import of_two_options
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory

if TYPE_CHECKING:  # agents foresee nothing, and would pay for what does
    from atp_ray.responses.interventions import Stopping
    from atp_ray.responses.observed_flips import ObservedFlips
    from atp_ray.responses.prediction import Forecast


class FitSource(NamedTuple):
    """The decisions to fit: those of one checkpoint in a run; `families` are those to try, all that suit if empty."""

    run_dir: Path
    checkpoint: str
    families: tuple[str, ...] = ()


class FittedRun(Frozen):
    """A response fitted to the decisions of a checkpoint in a run; each paradigm adds its own parameters.

    `label` says what it is not. `losses` are held-out log-losses in nats per decision, by family, and `base_loss` that
    of the rate of deviating, whatever was seen; `episodes`, `decisions` and `sizes` (agents per episode) are
    what it was fitted on.
    """

    paradigm: str
    label: str
    family: str
    losses: dict[str, float]
    base_loss: float
    checkpoint: str
    episodes: int
    decisions: int
    sizes: tuple[int, ...] = ()
    version: str

    def described(self) -> list[tuple[str, float, float, float]]:
        """Return each parameter of the chosen family: its name, estimate, and the ends of its 95 % interval."""
        return []


class Responding:
    """Fits and plays responses; by default there are none."""

    def fit(self, source: FitSource, n_bootstrap: int, seed: int, on_step: Callable[[int, int], None]) -> FittedRun:
        """Fit a response to a run.

        Raises:
            UsageError: the paradigm has no response model, or there are too few episodes.
        """
        del n_bootstrap, seed, on_step
        what = "is of a paradigm without a response model"
        raise UsageError(what, str(source.run_dir), "Use a run of games or conventions")

    def read(self, text: str, where: str) -> FittedRun:
        """Return a response from its file.

        Raises:
            UsageError: it is none of this paradigm.
        """
        del text
        raise UsageError("is of a paradigm without a response model", where, "Use a response fitted to games or names")

    def expected_rates(self, response: FittedRun, spec: EpisodeSpec) -> tuple[FloatArray, FloatArray]:
        """Return the expected deviant rate of each round [R], and the same for each bootstrap sample [B, R].

        Raises:
            UsageError: the response was fitted to another paradigm.
        """
        raise NotImplementedError

    def outside(self, response: FittedRun, spec: EpisodeSpec) -> str | None:
        """Return what of an episode of its paradigm the response was not fitted to, None where it plays all of it."""
        del response, spec
        return None

    def option_chances(self, response: FittedRun, memory: EpisodeMemory, indices: Sequence[int]) -> FloatArray:
        """Return the fitted probability of each option, [S, K], in the order of the scenario's options."""
        return of_two_options(self.deviant_chances(response, memory, indices))

    def forecast(
        self,
        response: FittedRun,
        spec: EpisodeSpec,
        fixed: Sequence[int],
        n_runs: int,
        seed: int,
        on_draw: Callable[[int, int], None],
    ) -> Forecast:
        """Return how likely a population tips with each number of seats that always deviate.

        It has tipped if more than half of its free seats deviate in the last round.

        Raises:
            UsageError: the response was fitted to another paradigm, or its paradigm foresees no tipping.
        """
        del spec, fixed, n_runs, seed, on_draw
        raise UsageError("is of a paradigm whose tipping is not foreseen", response.paradigm)

    def observed(self, response: FittedRun, spec: EpisodeSpec, run_dir: Path) -> list[ObservedFlips]:
        """Return which populations of the checkpoint it was fitted to tipped in a run, by seats that always deviate."""
        del response, spec, run_dir
        return []

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
        """Try what stops a population from tipping against so many seats that always deviate.

        Args:
            fixed: the fewest with which 19 of 20 populations tip if None.
            n_samples: bootstrap samples to play.

        Raises:
            UsageError: as `forecast`.
        """
        del spec, fixed, n_runs, n_samples, seed, on_draw
        raise UsageError("is of a paradigm whose tipping is not foreseen", response.paradigm)

    def deviant_chances(self, response: FittedRun, memory: EpisodeMemory, indices: Sequence[int]) -> FloatArray:
        """Return the fitted probability of the deviant action for each index into `memory.seats`, [S]."""
        raise NotImplementedError
