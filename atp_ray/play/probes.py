"""Probes: side questions to an agent at chosen rounds, asked outside the episode's memory."""

from __future__ import annotations

import string
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from atp_ray.config_files import Frozen, config_names, load_config, load_yaml
from atp_ray.errors import UsageError, suggestion
from atp_ray.play.wording import Words

AnswerKind = Literal["number", "yes_no", "text"]
Against = Literal["deviant_others"]
PLACES = ("deviant", "compliant", "n_others")  # what a question may name in braces


class Probe(Frozen):
    """One side question, and how its answer is read.

    In the question `{deviant}` and `{compliant}` stand for the first two options, `{n_others}` for the number of other
    agents.
    """

    name: Annotated[Words, Field(max_length=60, pattern=r"^[A-Za-z0-9_-]+$")]
    question: Annotated[Words, Field(max_length=2000)]
    answer: AnswerKind = Field(description="How the answer is read: as a number, as yes or no, or as it stands.")
    against: Against | None = Field(
        default=None, description="What of the round a number is compared with in reports: the others that deviated."
    )

    @model_validator(mode="after")
    def _well_formed(self) -> Probe:
        try:
            named = [name for _, name, _, _ in string.Formatter().parse(self.question) if name is not None]
        except ValueError as error:
            raise ValueError(f"question: {error}; write a brace as {{{{ or }}}}") from error
        if unknown := [name for name in named if name not in PLACES]:
            raise ValueError(f"question: unknown {{{unknown[0]}}}; there are {', '.join(PLACES)}")
        if self.against is not None and self.answer != "number":
            raise ValueError("against: only a number can be compared")
        return self

    @property
    def about_others(self) -> bool:
        """Whether it makes sense only where there are other agents."""
        return self.against is not None or "{n_others}" in self.question

    def words(self, options: Sequence[str], n_agents: int) -> str:
        """Return the question as it is put in an episode with these options."""
        return self.question.format(deviant=options[0], compliant=options[1], n_others=n_agents - 1)


def load_probe(name: str) -> Probe:
    """Return a shipped probe.

    Raises:
        UsageError: there is none of that name (with a suggestion).
    """
    if name not in (known := config_names("probes")):
        raise UsageError(f"unknown probe '{name}'", "probes", suggestion(name, known))
    return load_config("probes", name, Probe)


def with_probe_files(data: object) -> object:
    """Return the fields of a request or a grid with the probes that are paths of YAML files read.

    Only for what this machine's user writes: a request over HTTP may name no files.

    Raises:
        UsageError: a file cannot be read.
    """
    if not isinstance(data, dict) or not isinstance(given := data.get("probes"), list | tuple | str):
        return data
    names = given.split(",") if isinstance(given, str) else given
    read = [load_yaml(Path(name.strip())) if _is_path(name) else name for name in names]
    return {**data, "probes": read}


def _is_path(name: object) -> bool:
    return isinstance(name, str) and name.strip().endswith((".yaml", ".yml"))
