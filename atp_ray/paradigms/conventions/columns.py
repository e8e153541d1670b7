"""The columns only naming games have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from atp_ray.paradigms.columns import Columns
from atp_ray.paradigms.conventions.pairing import NOBODY, partners_of
from atp_ray.paradigms.conventions.settlement import meetings_of
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.records import RoundRecord

_SETTING = tuple(
    pa.field(name, pa.string()) for name in ("names", "established", "challenger", "pairing", "names_order")
)


class ConventionColumns(Columns):
    """Whom each seat met, how many meetings there were and how many agreed; names, pairing, committed agents."""

    fields: ClassVar[Mapping[str, tuple[pa.Field, ...]]] = {
        "decisions": (pa.field("partner", pa.int32()),),
        "rounds": (pa.field("n_meetings", pa.int32()), pa.field("n_agreed", pa.int32())),
        "episodes": _SETTING,
        "cells": (*_SETTING, pa.field("committed", pa.int32())),
    }

    def decisions(self, spec: EpisodeSpec, record: RoundRecord) -> dict[str, Sequence[Any]]:
        """Return whom each seat met, None for nobody."""
        partner_A = partners_of(spec, record.round).tolist()
        return {"partner": [None if partner == NOBODY else partner for partner in partner_A]}

    def round(self, spec: EpisodeSpec, record: RoundRecord) -> dict[str, Any]:
        """Return the meetings of a round, and those in which both chose the same name."""
        met = meetings_of(record.decisions.options_A, partners_of(spec, record.round))
        return {"n_meetings": int(np.sum(met.met_A)) // 2, "n_agreed": int(np.sum(met.agreed_A)) // 2}


COLUMNS = ConventionColumns()
