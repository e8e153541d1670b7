"""The mixture the small model is trained on: every paradigm that teaches it, drawn at fixed shares."""

from __future__ import annotations

import numpy as np

from atp_ray.checkpoint.scope import TrainingScope
from atp_ray.paradigms.registry import paradigms
from atp_ray.paradigms.teaching import Transcript


class Curriculum:
    """Draws transcripts of all paradigms over every shipped scenario; the same seed draws the same ones."""

    def __init__(self, scope: TrainingScope, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        taught = [room.teaching for room in paradigms() if room.teaching.share]
        self._shares = [teaching.share for teaching in taught]
        self._sources = [teaching.transcripts(scope, seed) for teaching in taught]

    def transcript(self) -> Transcript:
        """Return one conversation that ends with a teacher's reply."""
        return self._sources[int(self._random.choice(len(self._sources), p=self._shares))].transcript()
