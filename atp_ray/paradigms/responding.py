"""The part of a paradigm that foresees: how a checkpoint's response is fitted to a run, and played without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from atp_ray.config_files import Frozen
from atp_ray.errors import UsageError
from atp_ray.play.capital import FloatArray
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory


class FitSource(NamedTuple):
    """The decisions to fit: those of one checkpoint in a run."""

    run_dir: Path
    checkpoint: str


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
        raise UsageError("is of a paradigm without a response model", str(source.run_dir), "Use a run of games")

    def read(self, text: str, where: str) -> FittedRun:
        """Return a response from its file.

        Raises:
            UsageError: it is none of this paradigm.
        """
        del text
        raise UsageError("is of a paradigm without a response model", where, "Use a response fitted to games")

    def expected_rates(self, response: FittedRun, spec: EpisodeSpec) -> tuple[FloatArray, FloatArray]:
        """Return the expected deviant rate of each round [R], and the same for each bootstrap sample [B, R].

        Raises:
            UsageError: the response was fitted to another paradigm.
        """
        raise NotImplementedError

    def deviant_chances(self, response: FittedRun, memory: EpisodeMemory, indices: Sequence[int]) -> FloatArray:
        """Return the fitted probability of the deviant action for each index into `memory.seats`, [S]."""
        raise NotImplementedError
