"""Scores of an episode: the deviant rate of each round, pooled over episodes as everywhere in the project."""

from __future__ import annotations

import math

from inspect_ai.scorer import NOANSWER, Metric, SampleScore, Score, metric

from atp_ray.measures.intervals import RateInterval, rate_interval
from atp_ray.measures.rates import count
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.actions import Action
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.records import RoundRecord

DEVIANT, DECIDED, UNDECIDED, ROUND = "n_deviant", "n_decisions", "n_undecided", "round"


def round_score(spec: EpisodeSpec, record: RoundRecord) -> Score:
    """Return the deviant rate of a round, with the counts it is made of; `N` (no answer) where nothing was decided.

    Inspect leaves a score without a value out of metrics, and with it the turns that are counted as undecided.
    """
    counts = count(spec, record.decisions.action_A)
    metadata = {
        DEVIANT: counts.deviant,
        DECIDED: counts.decided,
        UNDECIDED: counts.undecided,
        ROUND: record.round,
        "success": record.success,
        "actions": [Action(action).label for action in record.decisions.action_A.tolist()],
        "capital": record.capital_after.value_A.tolist(),
        **paradigm(spec.paradigm).columns.round(spec, record),
    }
    metadata = {name: value for name, value in metadata.items() if value is not None}
    if math.isnan(counts.rate):
        return Score(value=NOANSWER, reason="invalid_response_format", metadata=metadata)
    return Score(value=counts.rate, answer=f"{counts.deviant} of {counts.decided}", metadata=metadata)


@metric(scores="unreduced")  # type: ignore[untyped-decorator]
def deviant_rate() -> Metric:
    """Return the share of deviant decisions among all that could be read."""

    def rate(scores: list[SampleScore]) -> float:
        return _or_nan(_interval(scores).rate)

    return rate


@metric(scores="unreduced")  # type: ignore[untyped-decorator]
def ci_low() -> Metric:
    """Return the lower end of the rate's 95 % interval, as in our tables."""

    def low(scores: list[SampleScore]) -> float:
        return _or_nan(_interval(scores).low)

    return low


@metric(scores="unreduced")  # type: ignore[untyped-decorator]
def ci_high() -> Metric:
    """Return the upper end of the rate's 95 % interval, as in our tables."""

    def high(scores: list[SampleScore]) -> float:
        return _or_nan(_interval(scores).high)

    return high


@metric(scores="unreduced")  # type: ignore[untyped-decorator]
def n_decisions() -> Metric:
    """Return how many decisions could be read."""

    def total(scores: list[SampleScore]) -> int:
        return sum(_counts(scores, DECIDED))

    return total


@metric(scores="unreduced")  # type: ignore[untyped-decorator]
def n_undecided() -> Metric:
    """Return how many turns have no decision."""

    def total(scores: list[SampleScore]) -> int:
        return sum(_counts(scores, UNDECIDED))

    return total


def _interval(scores: list[SampleScore]) -> RateInterval:
    units = [str(score.sample_id) for score in scores]
    first_round = all(number == 1 for number in _counts(scores, ROUND))
    return rate_interval(_counts(scores, DEVIANT), _counts(scores, DECIDED), units, first_round=first_round)


def _counts(scores: list[SampleScore], name: str) -> list[int]:
    return [(score.score.metadata or {}).get(name, 0) for score in scores]


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
