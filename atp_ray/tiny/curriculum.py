"""The mixture the small model is trained on: games, role-play and tool usage, drawn at fixed shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atp_ray.scenarios.registry import load_game, load_role_play, load_tool_scenario, scenario_names
from atp_ray.tiny.game_transcripts import GameTranscripts
from atp_ray.tiny.role_play_transcripts import RolePlayTranscripts
from atp_ray.tiny.scope import TrainingScope
from atp_ray.tiny.tool_transcripts import ToolTranscripts
from atp_ray.tiny.transcripts import Transcript, TranscriptSource

SHARES = (0.5, 0.2, 0.3)  # games, role-play, tool usage


class Curriculum:
    """Draws transcripts of all three paradigms over every shipped scenario; the same seed draws the same ones."""

    def __init__(self, scope: TrainingScope, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._sources: Sequence[TranscriptSource] = (
            GameTranscripts([load_game(name) for name in scenario_names("games")], scope, seed),
            RolePlayTranscripts([load_role_play(name) for name in scenario_names("role_play")], scope, seed),
            ToolTranscripts(load_tool_scenario("maths"), seed),
        )

    def transcript(self) -> Transcript:
        """Return one conversation that ends with a teacher's reply."""
        return self._sources[int(self._random.choice(len(self._sources), p=SHARES))].transcript()
