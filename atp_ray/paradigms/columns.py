"""The part of a paradigm that is stored: the columns and tables only it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.records import RoundRecord

if TYPE_CHECKING:
    import pyarrow as pa

    from atp_ray.play.cells import CellSpec

Rounds = Mapping[str, Sequence[RoundRecord]]


class Columns:
    """Columns beside those that all paradigms have, null elsewhere; by default none.

    `fields` holds them by table (decisions, rounds, episodes, cells), `tables` whole tables of the paradigm's own.
    """

    fields: ClassVar[Mapping[str, tuple[pa.Field, ...]]] = {}
    tables: ClassVar[Mapping[str, pa.Schema]] = {}

    def decisions(self, spec: EpisodeSpec, record: RoundRecord) -> dict[str, Sequence[Any]]:
        """Return the columns of `decisions` for one round, over its seats."""
        del spec, record
        return {}

    def round(self, spec: EpisodeSpec, record: RoundRecord) -> dict[str, Any]:
        """Return the columns of `rounds` for one round."""
        del spec, record
        return {}

    def cell(self, cell: CellSpec, rounds: Rounds) -> list[dict[str, Any]]:
        """Return the columns of `cells`, one entry for each round that any episode reached; empty for none."""
        del cell, rounds
        return []

    def rows(self, cell: CellSpec, spec: EpisodeSpec, record: RoundRecord) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of one round in each of `tables`."""
        del cell, spec, record
        return {}
