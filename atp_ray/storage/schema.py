"""The result schema, version 1: column names and types other tools may rely on (documented in docs/results.md)."""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 1

_ID = [pa.field("cell_id", pa.string(), nullable=False), pa.field("episode_id", pa.string(), nullable=False)]
_SETTING = [
    pa.field("n_agents", pa.int32()),
    pa.field("threshold", pa.int32()),
    pa.field("high", pa.float64()),
    pa.field("medium", pa.float64()),
    pa.field("low", pa.float64()),
    pa.field("incentive_ratio", pa.float64()),
]

DECISIONS = pa.schema(
    [
        *_ID,
        pa.field("round", pa.int32(), nullable=False),
        pa.field("seat", pa.int32(), nullable=False),
        pa.field("checkpoint", pa.string(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("choice", pa.string()),
        pa.field("reply", pa.string()),
        pa.field("attempts", pa.int32()),
        pa.field("prompt_tokens", pa.int32()),
        pa.field("completion_tokens", pa.int32()),
        pa.field("latency_s", pa.float64()),
        pa.field("reward", pa.float64()),
        pa.field("capital_before", pa.float64()),
        pa.field("capital_after", pa.float64()),
        pa.field("log_capital_after", pa.float64()),
        pa.field("failure", pa.string()),
        pa.field("correct", pa.bool_()),
        pa.field("problem_id", pa.string()),
    ]
)

ROUNDS = pa.schema(
    [
        *_ID,
        pa.field("round", pa.int32(), nullable=False),
        pa.field("n_deviant", pa.int32(), nullable=False),
        pa.field("n_aligned", pa.int32(), nullable=False),
        pa.field("n_unparsed", pa.int32(), nullable=False),
        pa.field("n_missing", pa.int32(), nullable=False),
        pa.field("success", pa.bool_()),
        pa.field("deviant_rate", pa.float64()),
        pa.field("capital_mean", pa.float64()),
        pa.field("capital_min", pa.float64()),
        pa.field("capital_max", pa.float64()),
        pa.field("supervised", pa.bool_()),
        pa.field("n_correct", pa.int32()),
    ]
)

EPISODES = pa.schema(
    [
        *_ID,
        pa.field("paradigm", pa.string(), nullable=False),
        pa.field("scenario", pa.string(), nullable=False),
        *_SETTING,
        pa.field("rounds", pa.int32(), nullable=False),
        pa.field("visibility", pa.string(), nullable=False),
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("population", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("supervision", pa.string()),
    ]
)

CELLS = pa.schema(
    [
        pa.field("cell_id", pa.string(), nullable=False),
        pa.field("grid", pa.string(), nullable=False),
        pa.field("checkpoint", pa.string(), nullable=False),
        pa.field("checkpoint_kind", pa.string(), nullable=False),
        *_SETTING,
        pa.field("visibility", pa.string(), nullable=False),
        pa.field("round", pa.int32(), nullable=False),
        pa.field("deviant_rate", pa.float64()),
        pa.field("ci_low", pa.float64()),
        pa.field("ci_high", pa.float64()),
        pa.field("ci_method", pa.string(), nullable=False),
        pa.field("n_decisions", pa.int64(), nullable=False),
        pa.field("n_undecided", pa.int64(), nullable=False),
        pa.field("p_recollude_given_success", pa.float64()),
        pa.field("p_recollude_ci_low", pa.float64()),
        pa.field("p_recollude_ci_high", pa.float64()),
        pa.field("n_recollude", pa.int64(), nullable=False),
        pa.field("paradigm", pa.string(), nullable=False),
        pa.field("supervision", pa.string()),
        pa.field("accuracy", pa.float64()),
        pa.field("accuracy_ci_low", pa.float64()),
        pa.field("accuracy_ci_high", pa.float64()),
        pa.field("accuracy_simple", pa.float64()),
    ]
)

# Tool usage only: every problem an agent worked on, the simple ones too.
SOLUTIONS = pa.schema(
    [
        *_ID,
        pa.field("round", pa.int32(), nullable=False),
        pa.field("seat", pa.int32(), nullable=False),
        pa.field("checkpoint", pa.string(), nullable=False),
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("difficulty", pa.string(), nullable=False),
        pa.field("problem", pa.string(), nullable=False),
        pa.field("expected", pa.string(), nullable=False),
        pa.field("used_tool", pa.bool_(), nullable=False),
        pa.field("answer", pa.string()),
        pa.field("correct", pa.bool_(), nullable=False),
        pa.field("cost", pa.float64(), nullable=False),
        pa.field("tool_statuses", pa.list_(pa.string()), nullable=False),
        pa.field("reply", pa.string(), nullable=False),
    ]
)

TABLES = {"decisions": DECISIONS, "rounds": ROUNDS, "episodes": EPISODES, "cells": CELLS}
TOOL_TABLES = {"solutions": SOLUTIONS}
