"""Which environment an episode is played in."""

from __future__ import annotations

from atp_ray.environments.games import GameEnvironment
from atp_ray.environments.interface import Environment
from atp_ray.environments.role_play import RolePlayEnvironment
from atp_ray.environments.tool_usage import ToolUsageEnvironment
from atp_ray.paradigms import Paradigm

ENVIRONMENTS: dict[Paradigm, Environment] = {
    "games": GameEnvironment(),
    "role_play": RolePlayEnvironment(),
    "tool_usage": ToolUsageEnvironment(),
}
