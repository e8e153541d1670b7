"""Settlement of the games: what a round's choices do to everyone's capital (paper section 3.2)."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field

from atp_ray.config_files import Frozen, Number
from atp_ray.paradigms.games.payoffs import Payoffs
from atp_ray.play.actions import Action, ActionArray
from atp_ray.play.capital import Capital, FloatArray, add_income


class SettlementRule(Frozen):
    """How factors act on capital.

    `multiplicative` (the paper's) multiplies capital by the factor; `additive` adds (factor - 1) * `base`.
    `success_for` says who earns `high` in a successful round: everyone (the paper's) or the colluders only, the
    others then earning `medium`.
    """

    mode: Literal["multiplicative", "additive"] = "multiplicative"
    success_for: Literal["all", "colluders"] = "all"
    base: Number = Field(default=1.0, gt=0, allow_inf_nan=False, description="Capital unit of the additive mode.")


class Settlement(NamedTuple):
    """The outcome of one round: success, colluders counted, each seat's factor, and the new capital."""

    success: bool
    n_deviant: int
    factor_A: FloatArray
    capital: Capital


def settle(
    actions_A: ActionArray,
    threshold: int,
    payoffs: Payoffs,
    capital: Capital,
    rule: SettlementRule,
) -> Settlement:
    """Settle one round of a coordination game (paper section 3.2).

    At least `threshold` colluders: everyone's factor is `high`. Otherwise colluders get `low`, the others `medium`.
    A seat without a decision (unparsed, missing, idle) takes no part: it is not counted and keeps its capital,
    factor 1.

    Args:
        actions_A: int8 [A], values of `Action`.
        threshold: minimum number of colluders for success, 1..A.
    """
    deviant_A = actions_A == Action.DEVIANT
    aligned_A = actions_A == Action.ALIGNED
    n_deviant = int(deviant_A.sum())
    success = n_deviant >= threshold
    others_on_success = payoffs.high if rule.success_for == "all" else payoffs.medium
    factor_A = np.ones(actions_A.shape)
    factor_A[deviant_A] = payoffs.high if success else payoffs.low
    factor_A[aligned_A] = others_on_success if success else payoffs.medium
    return Settlement(success, n_deviant, factor_A, _apply(factor_A, capital, rule))


def _apply(factor_A: FloatArray, capital: Capital, rule: SettlementRule) -> Capital:
    # A factor of 0 ends at -inf and the value may leave the float range: both are meant, neither is an accident.
    with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
        if rule.mode == "multiplicative":
            return Capital(capital.value_A * factor_A, capital.log_A + np.log(factor_A))
    return add_income(capital, (factor_A - 1.0) * rule.base)
