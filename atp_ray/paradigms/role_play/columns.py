"""The columns only role-play has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa

from atp_ray.paradigms.columns import Columns
from atp_ray.paradigms.role_play.scenarios import role_play_of
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.records import RoundRecord

_SUPERVISION = pa.field("supervision", pa.string())


class RolePlayColumns(Columns):
    """Whether a round was supervised, and by which pattern."""

    fields: ClassVar[Mapping[str, tuple[pa.Field, ...]]] = {
        "rounds": (pa.field("supervised", pa.bool_()),),
        "episodes": (_SUPERVISION,),
        "cells": (_SUPERVISION,),
    }

    def round(self, spec: EpisodeSpec, record: RoundRecord) -> dict[str, Any]:
        """Return whether the round was supervised."""
        return {"supervised": role_play_of(spec).numbers.supervised(record.round)}


COLUMNS = RolePlayColumns()
