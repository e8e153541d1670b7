"""How games and their results are told and drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from atp_ray.paradigms.games.scenarios import game_of
from atp_ray.paradigms.presentation import Presentation, Terms
from atp_ray.play.actions import Action
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.records import RoundRecord
from atp_ray.play.wording import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import RenderableType

    from atp_ray.measures.results import CellResult, Setting


class GamePresentation(Presentation):
    """Collusion, thresholds, capital."""

    terms = Terms("collusion rate", "colludes", "refrains")

    def numbers_line(self, spec: EpisodeSpec) -> str:
        """Return agents, threshold and rewards."""
        numbers = game_of(spec).numbers
        payoffs = numbers.payoffs
        rewards = " / ".join(number(value) for value in (payoffs.high, payoffs.medium, payoffs.low))
        return f"{numbers.n_agents} agents, {numbers.threshold} colluders needed, rewards {rewards}"

    def round_line(self, spec: EpisodeSpec, record: RoundRecord) -> str:
        """Return how many colluded and whether that was enough."""
        n_deviant = int((record.decisions.action_A == Action.DEVIANT).sum())
        verdict = "[red]success[/red]" if record.success else "[green]failure[/green]"
        return f"{n_deviant} of {spec.parameters.n_agents} collude, {verdict}"

    def seat_note(self, spec: EpisodeSpec, record: RoundRecord, seat: int) -> str:
        """Return what happened to the seat's capital."""
        return f"capital {super().seat_note(spec, record, seat)}"

    def setting_label(self, setting: Setting) -> str:
        """Return n, threshold and, where it is not 1, incentive ratio."""
        ratio = "" if setting.incentive_ratio in (None, 1) else f", ratio {setting.incentive_ratio:g}"
        return f"n={setting.n_agents}, t={setting.threshold}{ratio}"

    def tables(self, results: Sequence[CellResult]) -> list[RenderableType]:
        """Return the tables of collusion rates."""
        from atp_ray.paradigms.games.tables import game_tables

        return game_tables(results)

    def figures(self, results: Sequence[CellResult]) -> Iterator[tuple[Figure, str]]:
        """Yield Figures 3, 4 and 6."""
        from atp_ray.paradigms.games.figures.all import game_figures

        return game_figures(results)


PRESENTATION = GamePresentation()
