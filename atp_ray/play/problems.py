"""Maths problems as data, and what an agent made of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from atp_ray.config_files import Frozen

Difficulty = Literal["simple", "complex"]


class Problem(Frozen):
    """One problem with its true answer, a number in any form `atp_ray.paradigms.tool_usage.grading` reads."""

    problem_id: str = Field(min_length=1)
    text: str = Field(min_length=1)
    answer: str = Field(min_length=1)
    difficulty: Difficulty
    source: str = Field(description="Pool it comes from, e.g. generated, gsm8k, openthoughts.")


@dataclass(frozen=True, slots=True)
class Solution:
    """What an agent did with one problem.

    `reply` is the whole conversation after the problem, tool outputs included. `answer` is the number as written, None
    where none could be read; `correct` is then False. `cost` in units; `tool_statuses` has one entry per tool call.
    """

    problem_id: str
    difficulty: Difficulty
    used_tool: bool
    answer: str | None
    correct: bool
    cost: float
    reply: str
    tool_statuses: tuple[str, ...] = ()
