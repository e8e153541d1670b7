"""The whole comparison of a small model with its teachers, paradigm by paradigm."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from atp_ray.checkpoint.scope import TrainingScope
from atp_ray.config_files import Frozen
from atp_ray.tiny.fits import CalibrationPart, ClosedLoop, StratumFit, ToolFit
from atp_ray.tiny.reply_sampler import ReplySampler
from atp_ray.tiny.scope import taught


class Calibration(Frozen):
    """The whole comparison."""

    replies_per_state: int
    fits: tuple[StratumFit, ...]
    closed_loop: tuple[ClosedLoop, ...]
    tool_fits: tuple[ToolFit, ...]
    parsed: float


def calibrate(folder: Path, scope: TrainingScope, states: int = 60, replies_per_state: int = 24) -> Calibration:
    """Compare the checkpoint in `folder` with its teachers on states it was not trained on.

    Args:
        scope: what it was trained on.
        states: states per kind.
        replies_per_state: free replies sampled for each.
    """
    sampler = ReplySampler(folder)
    parts: list[CalibrationPart] = []
    for room in taught(scope.checkpoint):
        parts += room.teaching.calibration(sampler, scope, states, replies_per_state)
    fits = tuple(fit for part in parts for fit in part.fits)
    tool_fits = tuple(fit for part in parts for fit in part.tool_fits)
    return Calibration(
        replies_per_state=replies_per_state,
        fits=fits,
        closed_loop=tuple(loop for part in parts for loop in part.closed_loop),
        tool_fits=tool_fits,
        parsed=float(np.mean([fit.parsed for fit in fits] + [fit.parsed for fit in tool_fits])),
    )
