"""How naming games and their results are told and drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from atp_ray.paradigms.conventions import settings
from atp_ray.paradigms.conventions.pairing import NOBODY, partners_of
from atp_ray.paradigms.conventions.scenarios import PAIRINGS, naming_of
from atp_ray.paradigms.conventions.settlement import meetings_of
from atp_ray.paradigms.presentation import Presentation, Terms
from atp_ray.play.actions import ActionArray
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.options import option_counts
from atp_ray.play.records import RoundRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import RenderableType

    from atp_ray.measures.results import CellResult, Setting

MOST_SHARES = 4  # names told one by one


class ConventionPresentation(Presentation):
    """Names, meetings, points."""

    terms = Terms("share of the challenger", "says the challenger", "says another name")

    def numbers_line(self, spec: EpisodeSpec) -> str:
        """Return agents, pairing, names, how it starts and the points."""
        numbers = naming_of(spec).numbers
        start = "no memories" if numbers.established is None else f"memories of {numbers.established}"
        return (
            f"{numbers.n_agents} agents, {PAIRINGS[numbers.pairing]}, {len(numbers.names)} names, {start} at the "
            f"start, challenger {numbers.challenger}, points {numbers.success:g} / {numbers.failure:g}"
        )

    def round_line(self, spec: EpisodeSpec, record: RoundRecord) -> str:
        """Return how many meetings agreed, and the names' shares."""
        option_A = record.decisions.options_A
        met = meetings_of(option_A, partners_of(spec, record.round))
        n_met, n_agreed = int(met.met_A.sum()) // 2, int(met.agreed_A.sum()) // 2
        if naming_of(spec).numbers.pairing == "asynchronous":
            first = ", ".join(f"agent {seat + 1} {_said(spec, option_A, seat)}" for seat in _asked(spec, record))
        else:
            first = f"{n_agreed} of {n_met} meetings agree"
        return f"{first}; {shares_text(spec, option_A)}"

    def seat_note(self, spec: EpisodeSpec, record: RoundRecord, seat: int) -> str:
        """Return the seat's meeting and its points."""
        if (partner := int(partners_of(spec, record.round)[seat])) == NOBODY:
            return "met nobody"
        total = f"({record.capital_after.value_A[seat]:g})"
        said = _said(spec, record.decisions.options_A, partner)
        return f"met agent {partner + 1} {said}: {record.reward_A[seat]:+g} {total}"

    def seat_lines(self, spec: EpisodeSpec, record: RoundRecord, seat: int) -> list[str] | None:
        """Return nothing for a seat that met nobody."""
        return [] if partners_of(spec, record.round)[seat] == NOBODY else None

    def setting_label(self, setting: Setting) -> str:
        """Return n, names, start, pairing and committed agents."""
        return settings.setting_label(setting)

    def tables(self, results: Sequence[CellResult]) -> list[RenderableType]:
        """Return a table of the challenger's shares for each population, then those of all names and of convergence."""
        from atp_ray.paradigms.conventions.tables import naming_tables

        return [*naming_tables(results, self.terms.rate), *super().tables(results)]

    def figures(self, results: Sequence[CellResult]) -> Iterator[tuple[Figure, str]]:
        """Yield the challenger's share by round and by the number of committed agents, then the shares of all names."""
        from atp_ray.paradigms.conventions.figures import naming_figures

        yield from naming_figures(results, self.terms.rate)
        yield from super().figures(results)


def shares_text(spec: EpisodeSpec, option_A: ActionArray) -> str:
    """Return the shares of the names chosen last, the most frequent first."""
    options = spec.scenario.options
    count_K = option_counts(spec, option_A)
    chosen = np.argsort(-count_K, kind="stable")[:MOST_SHARES].tolist()
    told = [f"{options[k]} {count_K[k] / count_K.sum():.0%}" for k in chosen if count_K[k]]
    more = int((count_K > 0).sum()) - len(told)
    return ", ".join([*told, *([f"{more} others"] if more else [])]) or "no name yet"


def _said(spec: EpisodeSpec, option_A: ActionArray, seat: int) -> str:
    option = int(option_A[seat])
    return f"({spec.scenario.options[option] if option >= 0 else 'no name'})"


def _asked(spec: EpisodeSpec, record: RoundRecord) -> Sequence[int]:
    partner_A = partners_of(spec, record.round)
    return [int(seat) for seat in np.flatnonzero(partner_A != NOBODY)]


PRESENTATION = ConventionPresentation()
