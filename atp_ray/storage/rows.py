"""What one settled round, episode or cell contributes to the result tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from atp_ray.measures.cell_rates import recollusion, round_rates
from atp_ray.measures.convergence import convergence, leader
from atp_ray.measures.rates import count, count_assumed
from atp_ray.measures.shares import cell_shares
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.actions import Action
from atp_ray.play.answers import TALK_FAILED, Probed
from atp_ray.play.cells import CellSpec
from atp_ray.play.counting import counted_actions
from atp_ray.play.decisions import COUNTS
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.probe_answers import read_answer
from atp_ray.play.records import RoundRecord

MOST_RUNS = 20  # of neighbouring seats of one checkpoint that a label lists
Rounds = Mapping[str, Sequence[RoundRecord]]
_LABELS = np.array([action.label for action in Action])
_COUNTED_LABELS = np.array([action.label if action.is_decision else None for action in Action], dtype=object)


def seat_columns(spec: EpisodeSpec, record: RoundRecord) -> dict[str, Sequence[Any]]:
    """Return what the seats did in one round, as columns over seats; `spec` is what was in force in it."""
    n = len(record.decisions.action_A)
    words = np.array([*spec.scenario.options, None], dtype=object)  # the last one stands for -1
    asked_A = record.decisions.asked_A
    return {
        "round": [record.round] * n,
        "seat": range(n),
        "checkpoint": [group.checkpoint for group in spec.seat_groups],
        "action": _LABELS[record.decisions.action_A].tolist(),
        "choice": words[record.decisions.options_A].tolist(),
        "asked": [True] * n if asked_A is None else asked_A.tolist(),
        "said": record.decisions.said_A or [None] * n,
        "reply": record.decisions.reply_A,
        "reward": record.reward_A.tolist(),
        "capital_after": record.capital_after.value_A.tolist(),
    }


def decision_columns(cell: CellSpec, spec: EpisodeSpec, record: RoundRecord) -> dict[str, Sequence[Any]]:
    """Return the columns of `decisions` of one round, over its seats."""
    n = len(record.decisions.action_A)
    failures: list[str | None] = [None] * n
    # Where both failed, the decision's reason is told and not the message's.
    for failure in sorted(record.decisions.failures, key=lambda failure: failure.type != TALK_FAILED):
        failures[failure.seat] = f"{failure.type}: {failure.message}"
    return {
        **seat_columns(spec, record),
        "cell_id": [cell.cell_id] * n,
        "episode_id": [spec.episode_id] * n,
        **{name: getattr(record.decisions, f"{name}_A").tolist() for name in COUNTS},
        "latency_s": [None if np.isnan(seconds) else seconds for seconds in record.decisions.latency_A.tolist()],
        "capital_before": record.capital_before_A.tolist(),
        "log_capital_after": record.capital_after.log_A.tolist(),
        "failure": failures,
        "counts_as": _COUNTED_LABELS[counted_actions(spec, record.decisions.action_A)].tolist(),
        **paradigm(spec.paradigm).columns.decisions(spec, record),
    }


def probe_rows(spec: EpisodeSpec, record: RoundRecord) -> list[dict[str, Any]]:
    """Return the rows of `probes` of one round, but for the cell's id: a row for each seat that was asked."""
    return [row for probed in record.probed for row in _answers(spec, record, probed)]


def _answers(spec: EpisodeSpec, record: RoundRecord, probed: Probed) -> list[dict[str, Any]]:
    probe = next(probe for probe in spec.probes if probe.name == probed.probe)
    answers = probed.answers
    failures = {failure.seat: f"{failure.type}: {failure.message}" for failure in answers.failures}
    deviant_A = record.decisions.action_A == Action.DEVIANT
    rows = []
    for seat, reply in enumerate(answers.text_A):
        if not answers.attempts_A[seat] and seat not in failures:
            continue  # a policy, or a seat that does not decide in this round
        read = read_answer(reply, probe.answer) if reply is not None else None
        seconds = float(answers.latency_A[seat])
        rows.append(
            {
                "episode_id": record.episode_id,
                "round": record.round,
                "seat": seat,
                "checkpoint": spec.seat_groups[seat].checkpoint,
                "probe": probe.name,
                "kind": probe.answer,
                "reply": reply,
                "answer": read.text if read is not None else None,
                "value": read.value if read is not None else None,
                "actual": float(deviant_A.sum() - deviant_A[seat]) if probe.against else None,
                **{name: int(getattr(answers, f"{name}_A")[seat]) for name in COUNTS},
                "latency_s": None if np.isnan(seconds) else seconds,
                "failure": failures.get(seat),
            }
        )
    return rows


def round_counts(record: RoundRecord) -> dict[str, Any]:
    """Return how many seats did what in one round, whether it succeeded, and the capital afterwards."""
    counts = np.bincount(record.decisions.action_A, minlength=len(Action))
    capital_A = record.capital_after.value_A
    return {
        "round": record.round,
        "n_deviant": int(counts[Action.DEVIANT]),
        "n_aligned": int(counts[Action.ALIGNED]),
        "n_unparsed": int(counts[Action.UNPARSED]),
        "n_missing": int(counts[Action.MISSING]),
        "n_asked": record.decisions.n_asked,
        "success": record.success,
        "capital_mean": float(capital_A.mean()),
        "capital_min": float(capital_A.min()),
        "capital_max": float(capital_A.max()),
    }


def round_row(cell: CellSpec, spec: EpisodeSpec, record: RoundRecord) -> dict[str, Any]:
    """Return the row of `rounds` of one round."""
    counts = count(spec, record.decisions.action_A)
    return {
        **round_counts(record),
        "rate_deviant": counts.deviant,
        "rate_decisions": counts.decided,
        "cell_id": cell.cell_id,
        "episode_id": record.episode_id,
        "unit": paradigm(spec.paradigm).design.unit(spec, record.round),
        "deviant_rate": None if np.isnan(counts.rate) else counts.rate,
        **paradigm(spec.paradigm).columns.round(spec, record),
    }


def episode_row(cell: CellSpec, spec: EpisodeSpec, rounds: Rounds) -> dict[str, Any]:
    """Return the row of `episodes` of one episode."""
    records = rounds.get(spec.episode_id, ())
    settled, several = len(records), spec.parameters.n_agents > 1
    converged = convergence([leader(spec, record.decisions) for record in records]) if several else None
    return {
        "cell_id": cell.cell_id,
        "episode_id": spec.episode_id,
        "paradigm": spec.paradigm,
        "scenario": spec.scenario.name,
        "n_agents": spec.parameters.n_agents,
        **paradigm(spec.paradigm).design.setting(spec.parameters),
        "rounds": spec.rounds,
        "visibility": spec.visibility,
        "network": str(spec.network),
        "feedback": spec.feedback,
        "reading": spec.reading,
        "unreadable": spec.unreadable,
        "history_window": spec.history_window,
        "talk": spec.talk,
        "seed": spec.seed,
        "population": population_label(spec),
        "status": "complete" if settled == spec.rounds else f"stopped after round {settled}",
        "converged_round": None if converged is None else converged.round,
        "converged_on": None if converged is None else converged.option,
    }


def cell_rows(cell: CellSpec, rounds: Rounds) -> list[dict[str, Any]]:
    """Return the rows of `cells` of one cell, one for each round."""
    again = recollusion(cell, rounds)
    rates = round_rates(cell, rounds)
    own = paradigm(cell.paradigm).columns.cell(cell, rounds)
    common = {
        "cell_id": cell.cell_id,
        "grid": cell.grid,
        "checkpoint": cell.checkpoint,
        "checkpoint_kind": cell.checkpoint_kind,
        "n_agents": cell.n_agents,
        **cell.setting,
        "visibility": cell.episodes[0].visibility,
        "network": str(cell.episodes[0].network),
        "p_recollude_given_success": again.rate,
        "p_recollude_ci_low": again.low,
        "p_recollude_ci_high": again.high,
        "p_recollude_ci_method": again.method,
        "n_recollude": again.n,
        "paradigm": cell.paradigm,
        "differs_from_paper": cell.differs_from_paper,
    }
    return [
        common
        | {
            "round": entry.round,
            "deviant_rate": entry.rate.rate,
            "ci_low": entry.rate.low,
            "ci_high": entry.rate.high,
            "ci_method": entry.rate.method,
            "n_decisions": entry.rate.n,
            "n_undecided": entry.n_undecided,
            "n_assumed": _assumed(cell, rounds, entry.round),
        }
        | extra
        for entry, extra in zip(rates, own or [{}] * len(rates), strict=True)
    ]


def share_rows(cell: CellSpec, rounds: Rounds) -> list[dict[str, Any]]:
    """Return the rows of `shares` of one cell, one for each option in each round; none where shares are not told."""
    return [
        {
            "cell_id": cell.cell_id,
            "round": entry.round,
            "option": entry.option,
            "share": entry.share.rate,
            "ci_low": entry.share.low,
            "ci_high": entry.share.high,
            "ci_method": entry.share.method,
            "n_decisions": entry.share.n,
            "population_share": entry.population,
        }
        for entry in cell_shares(cell, rounds)
    ]


def _assumed(cell: CellSpec, rounds: Rounds, number: int) -> int:
    return sum(
        count_assumed(spec, records[number - 1].decisions.action_A)
        for spec in cell.episodes
        if len(records := rounds.get(spec.episode_id, ())) >= number
    )


def population_label(spec: EpisodeSpec) -> str:
    """Return who sits where, e.g. `policy:collude:2,tiny:6`; of many scattered seats, who has how many."""
    runs = [
        (name, sum(group.count for group in groups))
        for name, groups in groupby(spec.seats, lambda group: group.checkpoint)
    ]
    if len(runs) > MOST_RUNS:
        totals = Counter[str]()
        for name, count in runs:
            totals[name] += count
        runs = list(totals.items())
    return ",".join(f"{name}:{count}" for name, count in runs)
