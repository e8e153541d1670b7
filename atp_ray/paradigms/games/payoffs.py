"""The reward triple (high, medium, low) and the incentive ratio it stands for."""

from __future__ import annotations

from pydantic import Field, model_validator

from atp_ray.config_files import Frozen
from atp_ray.errors import UsageError


class Payoffs(Frozen):
    """Factors applied to an agent's capital each round (paper section 3.2).

    `high` is earned on success, `medium` by those who did not collude in a failed round, `low` by those who
    did. Dimensionless, high > medium > low >= 0.
    """

    high: float = Field(gt=0, allow_inf_nan=False)
    medium: float = Field(gt=0, allow_inf_nan=False)
    low: float = Field(ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _ordered(self) -> Payoffs:
        if not self.high > self.medium > self.low:
            raise ValueError(f"rewards must satisfy high > medium > low, got {self.high}, {self.medium}, {self.low}")
        return self

    @property
    def incentive_ratio(self) -> float:
        """Gain on success relative to loss on failure, (h - m) / (m - l); reproduces Appendix B's five values."""
        return round((self.high - self.medium) / (self.medium - self.low), 9)


def published_payoffs() -> dict[float, Payoffs]:
    """Return Appendix B's five reward triples, keyed by incentive ratio."""
    triples = ((1.2, 1, 0.2), (1.2, 1, 0.6), (1.2, 1, 0.8), (1.4, 1, 0.8), (1.8, 1, 0.8))
    payoffs = [Payoffs(high=high, medium=medium, low=low) for high, medium, low in triples]
    return {payoff.incentive_ratio: payoff for payoff in payoffs}


def payoffs_for_incentive_ratio(ratio: float) -> Payoffs:
    """Return Appendix B's triple for a published `ratio`.

    Raises:
        UsageError: the ratio is not one of the five; the triple would be a guess.
    """
    table = published_payoffs()
    if ratio not in table:
        known = ", ".join(f"{value:g}" for value in sorted(table))
        raise UsageError(
            f"incentive ratio {ratio:g} has no published reward triple",
            hint=f"Use one of {known}, or give the rewards themselves: --set rewards=1.2,1,0.8",
        )
    return table[ratio]
