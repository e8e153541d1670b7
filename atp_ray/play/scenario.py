"""What every scenario and every set of numbers has, whatever the paradigm; the rest is in the paradigm's own folder."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from pydantic import Field

from atp_ray.config_files import Frozen
from atp_ray.play.wording import Words


class Scenario(Frozen):
    """What is played, in words.

    `kind` tells the models of all paradigms apart; `paradigm` is the name of the one that plays it.
    """

    paradigm: ClassVar[str]
    kind: str
    name: Words
    title: Words
    upstream_name: Words = Field(description="Its name in the paper and the reference data.")

    @property
    @abstractmethod
    def options(self) -> tuple[str, ...]:
        """The choices, two or more: the deviant one first, then what a fixed refuser takes."""

    def wording(self) -> Scenario:
        """Return the scenario without what only an episode gives it; a checkpoint is taught wordings."""
        return self


class Numbers(Frozen):
    """The numbers an episode is played with; `kind` is the paradigm's name."""

    kind: str
    n_agents: int = Field(ge=1)

    def planned_rounds(self) -> int | None:
        """Return the length of episode these numbers are for, None where any length will do."""
        return None
