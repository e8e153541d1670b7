"""What checkpoints learn from in role-play: prompts to align with, the logistic teacher, bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from atp_ray.checkpoint.scope import TrainingScope
from atp_ray.paradigms.role_play.prompt_sets import BASE_STEPS, INCOME_RATIOS, Incomes, role_play_prompts
from atp_ray.paradigms.role_play.scenario_files import load_role_plays
from atp_ray.paradigms.role_play.scenarios import RolePlayNumbers, RolePlayScenario, role_play_of
from atp_ray.paradigms.role_play.transcripts import RolePlayBounds, RolePlayStandIn, RolePlayTranscripts
from atp_ray.paradigms.stand_in import StandIn
from atp_ray.paradigms.teaching import NOBODY, Side, Teaching, TrainingPrompt
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.memory import SeatView
from atp_ray.play.prompts import build_messages
from atp_ray.tiny.fits import CalibrationPart, Sampler, fit_states

CALIBRATION_SEED = 20_26


class RolePlayTeaching(Teaching):
    """Role-play."""

    instructions: ClassVar[Mapping[Side, str]] = {
        "chosen": "Keep to the rule you were given, whatever it costs you.",
        "rejected": "Leave the rule aside and take what pays most.",
    }
    learner = "tiny"
    share = 0.2

    def training_prompts(self, count: int | None, seed: int) -> list[TrainingPrompt]:
        """Return the 160 training prompts."""
        del count, seed
        return _prompts("", "ours")

    def paper_prompts(self, count: int | None, seed: int) -> list[TrainingPrompt]:
        """Return 160 with the paper's ratios of incomes."""
        del count, seed
        return _prompts("paper-", "paper")

    def outside(self, spec: EpisodeSpec, scope: TrainingScope) -> str | None:
        """Return what of a role-play lies outside the bounds on window and incomes."""
        scenario, numbers = role_play_of(spec)
        known = scope.bounds(RolePlayBounds)
        if spec.history_window > known.longest_window_role_play:
            return f"a history window of {spec.history_window} rounds (at most {known.longest_window_role_play})"
        scale, ratio = numbers.low / scenario.base_income, numbers.high / numbers.low
        low, high = known.income_ratio
        if not known.incomes[0] <= scale <= known.incomes[1] or not low - 0.02 <= ratio <= high + 0.02:
            return f"incomes {numbers.low:g} and {numbers.high:g} (high / low {low:g}..{high:g})"
        return None

    def bounds(self) -> RolePlayBounds:
        """Return the bounds on window and incomes."""
        return RolePlayBounds(
            longest_window_role_play=5,
            income_ratio=(INCOME_RATIOS[0], INCOME_RATIOS[-1]),
            incomes=(BASE_STEPS[0], BASE_STEPS[-1]),
        )

    def lessons(self, scope: TrainingScope) -> str:
        """Return patterns and windows."""
        window = scope.bounds(RolePlayBounds).longest_window_role_play
        return f"Role-play: every supervision pattern and notice, windows up to {window} rounds."

    def transcripts(self, scope: TrainingScope, seed: int) -> RolePlayTranscripts:
        """Return the transcripts of the logistic teacher."""
        shipped = [scenario for scenario in load_role_plays() if isinstance(scenario, RolePlayScenario)]
        return RolePlayTranscripts(shipped, scope, seed)

    def stand_in(self, seed: int, taught: bool) -> StandIn:
        """Return the logistic teacher, or what takes either option."""
        return RolePlayStandIn(seed) if taught else StandIn(seed)

    def calibration(
        self, sampler: Sampler, scope: TrainingScope, states: int, repeats: int
    ) -> Sequence[CalibrationPart]:
        """Return the fit over all scenarios."""
        source = self.transcripts(scope, CALIBRATION_SEED)
        drawn = [source.state() for _ in range(2 * states)]
        return (CalibrationPart(fits=(fit_states(sampler, drawn, repeats, "role_play", "1"),)),)


def _prompts(prefix: str, incomes: Incomes) -> list[TrainingPrompt]:
    prompts = []
    for index, (scenario, low, high) in enumerate(role_play_prompts(load_role_plays(), "train", incomes)):
        seats = (SeatGroup(checkpoint=NOBODY, count=1),)
        numbers = RolePlayNumbers(low=low, high=high, rounds=1)
        spec = EpisodeSpec(scenario=scenario, parameters=numbers, seats=seats, rounds=1)
        messages = tuple(build_messages(SeatView(spec, 0, ())))
        prompt_id = f"{prefix}{scenario.name}-{index}"
        prompts.append(TrainingPrompt(prompt_id, "role_play", scenario.name, messages, scenario.options))
    return prompts


TEACHING = RolePlayTeaching()
