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
        """Return agents, threshold and rewards; network and revision where not all see all and decide every time."""
        numbers = game_of(spec).numbers
        payoffs = numbers.payoffs
        rewards = " / ".join(number(value) for value in (payoffs.high, payoffs.medium, payoffs.low))
        told = [f"{numbers.n_agents} agents", f"{numbers.threshold} colluders needed", f"rewards {rewards}"]
        told += [] if spec.neighbours is None else [f"network {spec.network}"]
        told += [] if numbers.revision == 1 else [f"{numbers.revision:.3g} of the agents revise in a round"]
        return ", ".join(told)

    def round_line(self, spec: EpisodeSpec, record: RoundRecord) -> str:
        """Return how many colluded and whether that was enough."""
        n_deviant = int((record.decisions.action_A == Action.DEVIANT).sum())
        verdict = "[red]success[/red]" if record.success else "[green]failure[/green]"
        return f"{n_deviant} of {spec.parameters.n_agents} collude, {verdict}"

    def seat_note(self, spec: EpisodeSpec, record: RoundRecord, seat: int) -> str:
        """Return what happened to the seat's capital."""
        return f"capital {super().seat_note(spec, record, seat)}"

    def setting_label(self, setting: Setting) -> str:
        """Return n and threshold, and what else is not as usual."""
        from atp_ray.paradigms.games.ways import way_parts

        told = [f"n={setting.n_agents}", f"t={setting.threshold}"]
        told += [] if setting.incentive_ratio in (None, 1) else [f"ratio {setting.incentive_ratio:g}"]
        return ", ".join([*told, *way_parts(setting)])

    def tables(self, results: Sequence[CellResult]) -> list[RenderableType]:
        """Return the tables of collusion rates."""
        from atp_ray.paradigms.games.tables import game_tables

        return game_tables(results)

    def figures(self, results: Sequence[CellResult]) -> Iterator[tuple[Figure, str]]:
        """Yield Figures 3, 4 and 6."""
        from atp_ray.paradigms.games.figures.all import game_figures

        return game_figures(results)


PRESENTATION = GamePresentation()
