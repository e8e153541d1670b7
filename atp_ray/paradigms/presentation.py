"""The part of a paradigm that is shown: its words, how an episode reads, and the tables and figures of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from atp_ray.play.actions import Action
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.options import shares_line, told_options
from atp_ray.play.records import RoundRecord
from atp_ray.play.wording import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import RenderableType

    from atp_ray.measures.results import CellResult, Setting


UNDECIDED = {
    Action.UNPARSED: "no readable decision",
    Action.MISSING: "no reply",
    Action.IDLE: "not asked yet",
}


class Terms(NamedTuple):
    """What the deviant action is called: its rate, and one such action and its opposite in a trace."""

    rate: str
    deviates: str
    complies: str


class Presentation:
    """How episodes and results are told and drawn; by default plainly.

    What is told of an episode may hold rich's markup.
    """

    terms: ClassVar[Terms] = Terms("deviant rate", "deviates", "complies")

    def numbers_line(self, spec: EpisodeSpec) -> str:
        """Return the numbers an episode is played with."""
        return f"{spec.parameters.n_agents} agents"

    def round_line(self, spec: EpisodeSpec, record: RoundRecord) -> str:
        """Return how a round ended."""
        if told_options(spec):
            return shares_line(spec, record.decisions)
        n_deviant = int((record.decisions.action_A == Action.DEVIANT).sum())
        return f"{n_deviant} of {spec.parameters.n_agents}: {self.terms.deviates}"

    def seat_note(self, spec: EpisodeSpec, record: RoundRecord, seat: int) -> str:
        """Return what a round did to a seat."""
        del spec
        return f"{number(record.capital_before_A[seat])} -> {number(record.capital_after.value_A[seat])}"

    def seat_decision(self, spec: EpisodeSpec, record: RoundRecord, seat: int) -> str:
        """Return what a seat decided in a round, or, where it was not asked, what it decided last."""
        action, option = Action(int(record.decisions.action_A[seat])), int(record.decisions.options_A[seat])
        if option >= 0 and told_options(spec):
            return spec.scenario.options[option]
        words = {Action.DEVIANT: self.terms.deviates, Action.ALIGNED: self.terms.complies, **UNDECIDED}
        return words[action]

    def seat_lines(self, spec: EpisodeSpec, record: RoundRecord, seat: int) -> list[str] | None:
        """Return what a seat did in a round where more is to be told than its choice, else None."""
        del spec, record, seat
        return None

    def setting_label(self, setting: Setting) -> str:
        """Return what a setting is called in a table: all of it that is not the checkpoint."""
        shown = ("threshold", "incentive_ratio", "high", "medium", "low", "supervision")
        known = {name.replace("_", " "): getattr(setting, name) for name in shown}
        told = (f"{name} {value}" for name, value in known.items() if value is not None)
        return ", ".join(told) or setting.paradigm.replace("_", " ")

    def tables(self, results: Sequence[CellResult]) -> list[RenderableType]:
        """Return the tables of a run's cells of this paradigm."""
        from atp_ray.report.plain_table import plain_table
        from atp_ray.report.share_tables import convergence_table, shares_table

        shares, rates = _split(results)
        tables: list[RenderableType] = [plain_table(rates, self.terms.rate, self.setting_label)] if rates else []
        if shares:
            tables += [shares_table(shares, self.setting_label), convergence_table(shares, self.setting_label)]
        return tables

    def figures(self, results: Sequence[CellResult]) -> Iterator[tuple[Figure, str]]:
        """Yield the figures of a run's cells of this paradigm, each with the name of its file."""
        from atp_ray.report.figures.option_shares import draw_shares
        from atp_ray.report.figures.plain_rates import draw_plain_rates

        shares, rates = _split(results)
        if rates:
            yield draw_plain_rates(rates, self.terms.rate, self.setting_label), "rates_by_round"
        if shares:
            yield draw_shares(shares, self.setting_label), "shares_by_round"


def _split(results: Sequence[CellResult]) -> tuple[list[CellResult], list[CellResult]]:
    """Return the cells whose options are told by their shares, and those that are told by their deviant rate."""
    return [result for result in results if result.options], [result for result in results if not result.options]
