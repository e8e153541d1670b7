"""Find tool-usage scenarios by name."""

from __future__ import annotations

from atp_ray.config_files import load_config
from atp_ray.paradigms.tool_usage.scenarios import ToolScenario


def load_tool_scenario(name: str) -> ToolScenario:
    """Load one tool-usage scenario by shipped name or by the path of a YAML file.

    Raises:
        UsageError: nothing of that name, or the file is invalid; names file, key and reason.
    """
    return load_config("scenarios/tool_usage", name, ToolScenario, "tool-usage scenario")
