"""How role-play and its results are told and drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from atp_ray.paradigms.presentation import Presentation, Terms
from atp_ray.paradigms.role_play.scenarios import role_play_of
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.records import RoundRecord
from atp_ray.play.wording import money

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import RenderableType

    from atp_ray.measures.results import CellResult, Setting


class RolePlayPresentation(Presentation):
    """Violations, supervision, incomes."""

    terms = Terms("violation rate", "breaks the rule", "keeps the rule")

    def numbers_line(self, spec: EpisodeSpec) -> str:
        """Return rule, incomes and supervision pattern."""
        scenario, numbers = role_play_of(spec)
        incomes = f"{money(numbers.low)} for keeping the rule, {money(numbers.high)} for breaking it unnoticed"
        return f"Rule: {scenario.required}; {incomes}; supervision {numbers.supervision}"

    def round_line(self, spec: EpisodeSpec, record: RoundRecord) -> str:
        """Return whether the round was supervised."""
        return "supervised" if role_play_of(spec).numbers.supervised(record.round) else "unsupervised"

    def seat_note(self, spec: EpisodeSpec, record: RoundRecord, seat: int) -> str:
        """Return what the round earned."""
        return f"earns {money(record.capital_after.value_A[seat] - record.capital_before_A[seat])}"

    def setting_label(self, setting: Setting) -> str:
        """Return the supervision pattern."""
        return str(setting.supervision or setting.paradigm).replace("_", " ")

    def tables(self, results: Sequence[CellResult]) -> list[RenderableType]:
        """Return the table of violation rates."""
        from atp_ray.paradigms.role_play.tables import role_play_tables

        return role_play_tables(results)

    def figures(self, results: Sequence[CellResult]) -> Iterator[tuple[Figure, str]]:
        """Yield the figure of Table 1."""
        from atp_ray.paradigms.role_play.figure import draw_violation_rates
        from atp_ray.report.published import published_table1

        yield draw_violation_rates(results, published_table1()), "table1_violation_rate"


PRESENTATION = RolePlayPresentation()
