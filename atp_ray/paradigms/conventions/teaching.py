"""What a small checkpoint learns from in naming games: the quantal teacher, and the bounds of what it knows."""

from __future__ import annotations

from collections.abc import Sequence

from atp_ray.checkpoint.scope import TrainingScope
from atp_ray.paradigms.conventions.request import ConventionSettings
from atp_ray.paradigms.conventions.scenario_files import load_naming_games
from atp_ray.paradigms.conventions.scenarios import naming_of
from atp_ray.paradigms.conventions.transcripts import ConventionBounds, ConventionStandIn, ConventionTranscripts
from atp_ray.paradigms.stand_in import StandIn
from atp_ray.paradigms.teaching import Teaching
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.tiny.fits import CalibrationPart, Sampler, fit_states

CALIBRATION_SEED = 20_26
STRATA = ((2, 2), (3, 5), (6, 10))


class ConventionTeaching(Teaching):
    """Naming games; `tiny-names` is taught them and nothing else."""

    learner = "tiny-names"

    def outside(self, spec: EpisodeSpec, scope: TrainingScope) -> str | None:
        """Return what of a naming game lies outside the bounds on names, window, agents and points."""
        game, numbers = naming_of(spec)
        known = scope.bounds(ConventionBounds)
        if len(numbers.names) > known.most_names:
            return f"{len(numbers.names)} names (at most {known.most_names})"
        if unknown := [name for name in numbers.names if name not in game.names]:
            return f"the name '{unknown[0]}' (it knows {', '.join(game.names)})"
        if spec.history_window > known.longest_window:
            return f"memories of {spec.history_window} meetings (at most {known.longest_window})"
        if numbers.n_agents > known.most_agents:
            return f"n = {numbers.n_agents} (at most {known.most_agents})"
        usual = [ConventionSettings.model_fields[name].default for name in ("success", "failure")]
        if [numbers.success, numbers.failure] != usual:
            return f"points {numbers.success:g} and {numbers.failure:g} (it knows {usual[0]:g} and {usual[1]:g})"
        return None

    def bounds(self) -> ConventionBounds:
        """Return the bounds on names, window and agents."""
        return ConventionBounds(most_names=10, longest_window=5, most_agents=512)

    def lessons(self, scope: TrainingScope) -> str:
        """Return names, memories and n."""
        known = scope.bounds(ConventionBounds)
        return (
            f"Naming games: lists of 2 to {known.most_names} names, shuffled or not; memories of up to "
            f"{known.longest_window} meetings, empty, full or established; n up to {known.most_agents}; points as "
            "published."
        )

    def transcripts(self, scope: TrainingScope, seed: int) -> ConventionTranscripts:
        """Return the transcripts of the quantal teacher."""
        return ConventionTranscripts(load_naming_games(), scope, seed)

    def stand_in(self, seed: int, taught: bool) -> StandIn:
        """Return the quantal teacher, or what takes any option."""
        return ConventionStandIn(seed) if taught else StandIn(seed)

    def calibration(
        self, sampler: Sampler, scope: TrainingScope, states: int, repeats: int
    ) -> Sequence[CalibrationPart]:
        """Return how the challenger is chosen, by the number of names."""
        source = self.transcripts(scope, CALIBRATION_SEED)
        fits = tuple(
            fit_states(
                sampler,
                [source.state(span) for _ in range(states)],
                repeats,
                f"{span[0]} names" if span[0] == span[1] else f"{span[0]}..{span[1]} names",
                f"2..{scope.bounds(ConventionBounds).most_agents}",
            )
            for span in STRATA
        )
        return (CalibrationPart(fits=fits),)


TEACHING = ConventionTeaching()
