"""The column only games have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pyarrow as pa

from atp_ray.paradigms.columns import Columns
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.records import RoundRecord


class GameColumns(Columns):
    """How many neighbours a seat has in the network."""

    fields: ClassVar[Mapping[str, tuple[pa.Field, ...]]] = {"decisions": (pa.field("neighbours", pa.int32()),)}

    def decisions(self, spec: EpisodeSpec, record: RoundRecord) -> dict[str, Sequence[Any]]:
        """Return each seat's number of neighbours; nothing where everyone is everyone's."""
        del record
        return {} if spec.neighbours is None else {"neighbours": spec.neighbours.degree_A.tolist()}


COLUMNS = GameColumns()
