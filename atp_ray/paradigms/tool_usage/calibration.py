"""How well the small model imitates its teacher at solving problems: policy, programs, copying, direct answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atp_ray.paradigms.tool_usage.grading import grade
from atp_ray.paradigms.tool_usage.problem_pools.pools import DIFFICULTIES
from atp_ray.paradigms.tool_usage.prompts import ToolStep, build_problem_messages
from atp_ray.paradigms.tool_usage.scenario_files import load_tool_scenario
from atp_ray.paradigms.tool_usage.tool_calls import read_tool_call
from atp_ray.paradigms.tool_usage.transcripts import ToolState, ToolTranscripts
from atp_ray.play.problems import Difficulty
from atp_ray.tiny.fits import Sampler, ToolFit


def fit_tool_usage(sampler: Sampler, problems: int) -> tuple[ToolFit, ...]:
    """Compare the checkpoint with its teacher on problems it was not trained on, of both difficulties."""
    source = ToolTranscripts(load_tool_scenario("maths"), seed=20_26)
    drawn = [source.state() for _ in range(problems)]
    return tuple(
        _tool_fit(sampler, [state for state in drawn if state.problem.problem.difficulty == difficulty], difficulty)
        for difficulty in DIFFICULTIES
    )


def _tool_fit(sampler: Sampler, states: Sequence[ToolState], difficulty: Difficulty, repeats: int = 4) -> ToolFit:
    asked = [state for state in states for _ in range(repeats)]
    opened = [build_problem_messages(state.view, state.known, state.problem.problem, ()) for state in asked]
    replies = sampler.replies(opened)
    calls = [read_tool_call(reply) for reply in replies]
    direct = [
        (state, grade(reply, state.problem.problem.answer))
        for state, reply, call in zip(asked, replies, calls, strict=True)
        if call is None
    ]
    called = [(state, call) for state, call in zip(asked, calls, strict=True) if call is not None]
    right = [(state, call) for state, call in called if call.code.strip() == state.problem.program]
    finals = sampler.replies(
        [
            build_problem_messages(
                state.view,
                state.known,
                state.problem.problem,
                [ToolStep(call.reply, state.problem.problem.answer)],
            )
            for state, call in right
        ]
    )
    copied = [
        grade(reply, state.problem.problem.answer).correct for (state, _), reply in zip(right, finals, strict=True)
    ]
    answered = [judged for _, judged in direct if judged.answer is not None]
    no_tool = np.array([call is None for call in calls]).reshape(len(states), repeats).mean(axis=1)
    teacher = np.array([state.probability for state in states])
    return ToolFit(
        difficulty=difficulty,
        problems=len(states),
        parsed=(len(called) + len(answered)) / len(asked),
        correlation=float(np.corrcoef(no_tool, teacher)[0, 1]),
        right_program=len(right) / max(1, len(called)),
        right_copy=float(np.mean(copied)) if copied else 0.0,
        right_direct=float(np.mean([judged.correct for judged in answered])) if answered else 0.0,
    )
