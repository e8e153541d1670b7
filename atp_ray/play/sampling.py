"""How a checkpoint is asked: sampling, thinking, structured decision, retries."""

from __future__ import annotations

from pydantic import Field, StrictBool

from atp_ray.config_files import Frozen, Number, Whole, parse_model


class Sampling(Frozen):
    """Decoding settings of one checkpoint; part of an episode's identity."""

    temperature: float = Field(default=1.0, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int = Field(default=2048, ge=1, description="Longest reply, in tokens, thinking included.")
    thinking: bool | None = Field(default=None, description="None leaves the chat template's own default.")
    structured: bool = Field(default=False, description="Constrain the whole reply to the decision's JSON schema.")
    attempts: int = Field(default=3, ge=1, le=20, description="Replies drawn until one parses; then `unparsed`.")


class SamplingChange(Frozen):
    """Single settings to replace in every checkpoint's `Sampling`; what is not set is left alone."""

    temperature: Number | None = Field(default=None, ge=0, le=2)
    top_p: Number | None = Field(default=None, gt=0, le=1)
    max_tokens: Whole | None = Field(default=None, ge=1, le=1_000_000)
    thinking: StrictBool | None = None
    structured: StrictBool | None = None
    attempts: Whole | None = Field(default=None, ge=1, le=20)

    def apply(self, sampling: Sampling, where: str) -> Sampling:
        """Return `sampling` with the settings given here replaced.

        Raises:
            UsageError: a value is out of range; `where` names the source.
        """
        return parse_model(Sampling, sampling.model_dump() | self.model_dump(exclude_unset=True), where)
