"""How many solutions are right: the accuracy of each round, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from atp_ray.measures.intervals import RateInterval, rate_interval
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.cells import CellSpec
from atp_ray.play.problems import Difficulty, Solution
from atp_ray.play.records import RoundRecord

Rounds = Mapping[str, Sequence[RoundRecord]]


def evaluated_solution(solutions: Sequence[Solution], difficulty: Difficulty = "complex") -> Solution | None:
    """Return the last solution of that difficulty, None where there is none; a round has one complex problem."""
    return next((solution for solution in reversed(solutions) if solution.difficulty == difficulty), None)


def accuracies(cell: CellSpec, rounds: Rounds, difficulty: Difficulty) -> list[RateInterval]:
    """Return the share of right answers of each round that any episode reached, over the problems worked on.

    An answer that could not be read is not right. The unit is the round's complex problem.
    """
    longest = max((len(records) for records in rounds.values()), default=0)
    found = []
    for number in range(longest):
        right_E, solved_E, units_E = [], [], []
        for spec in cell.episodes:
            records = rounds.get(spec.episode_id, ())
            solutions = records[number].decisions.solutions_A if number < len(records) else ()
            of_kind = [s for seat in solutions for s in seat if s.difficulty == difficulty]
            right_E.append(sum(solution.correct for solution in of_kind))
            solved_E.append(len(of_kind))
            units_E.append(paradigm(spec.paradigm).design.unit(spec, number + 1))
        found.append(rate_interval(right_E, solved_E, units_E, first_round=number == 0))
    return found
