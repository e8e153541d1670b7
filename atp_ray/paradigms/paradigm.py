"""A paradigm: its name and the six parts of its room, each imported when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from atp_ray.errors import UsageError
from atp_ray.paradigms.columns import Columns
from atp_ray.paradigms.design import Design
from atp_ray.paradigms.environment import Environment
from atp_ray.paradigms.presentation import Presentation
from atp_ray.paradigms.responding import Responding
from atp_ray.paradigms.teaching import Teaching

ANALYTIC = "policy:quantal"


@dataclass(frozen=True)
class Paradigm:
    """One testbed.

    A part is the constant of its upper-case name in the module of its name, for example `ENVIRONMENT` in
    `environment.py` of the room. `environment` and `design` every room must have; the other parts have defaults.
    """

    name: str
    package: str

    @property
    def title(self) -> str:
        """The paradigm's name in text."""
        return self.name.replace("_", "-")

    @cached_property
    def environment(self) -> Environment:
        """What is observed, asked and settled."""
        part: Environment = self._part("environment")
        return part

    @cached_property
    def design(self) -> Design:
        """What somebody may ask for, and the episodes that come of it."""
        part: Design = self._part("design")
        return part

    @cached_property
    def columns(self) -> Columns:
        """What only this paradigm adds to the result tables."""
        part: Columns = self._part("columns", Columns())
        return part

    @cached_property
    def presentation(self) -> Presentation:
        """How episodes and results are told and drawn."""
        part: Presentation = self._part("presentation", Presentation())
        return part

    @cached_property
    def responding(self) -> Responding:
        """How a checkpoint's response is fitted and played."""
        part: Responding = self._part("responding", Responding())
        return part

    @cached_property
    def teaching(self) -> Teaching:
        """What checkpoints are aligned and taught with."""
        part: Teaching = self._part("teaching", Teaching())
        return part

    def require_player(self, checkpoint: str) -> None:
        """Refuse a checkpoint that cannot play this paradigm.

        Raises:
            UsageError: says why.
        """
        self.design.require_player(checkpoint)
        if checkpoint == ANALYTIC and not self.environment.has_policy:
            raise UsageError(f"there is no analytic policy for {self.title}", checkpoint, "Use a language model")

    def _part(self, name: str, default: Any = None) -> Any:
        module = f"{self.package}.{name}"
        try:
            if default is not None and find_spec(module) is None:
                return default
            return getattr(import_module(module), name.upper())
        except (ImportError, AttributeError) as error:
            hint = f"A room's {name}.py holds {name.upper()}; see docs/add_paradigm.md"
            raise UsageError(f"cannot be opened: {error}", f"paradigm {self.name} ({self.package})", hint) from error
