"""The mixture a small model is trained on: every paradigm that teaches it, drawn at fixed shares."""

from __future__ import annotations

import numpy as np

from atp_ray.checkpoint.scope import TrainingScope
from atp_ray.paradigms.teaching import Transcript
from atp_ray.tiny.scope import taught


class Curriculum:
    """Draws transcripts of all paradigms of a scope's checkpoint; the same seed draws the same ones."""

    def __init__(self, scope: TrainingScope, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        teachings = [room.teaching for room in taught(scope.checkpoint)]
        self._shares = [teaching.share for teaching in teachings]
        self._sources = [teaching.transcripts(scope, seed) for teaching in teachings]

    def transcript(self) -> Transcript:
        """Return one conversation that ends with a teacher's reply."""
        return self._sources[int(self._random.choice(len(self._sources), p=self._shares))].transcript()
