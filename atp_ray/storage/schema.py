"""The result schema, version 1: column names and types other tools may rely on (documented in docs/results.md)."""

from __future__ import annotations

import pyarrow as pa

from atp_ray.paradigms.registry import paradigm, paradigms
from atp_ray.play.decisions import COUNTS

SCHEMA_VERSION = 1

_ID = [pa.field("cell_id", pa.string(), nullable=False), pa.field("episode_id", pa.string(), nullable=False)]
# The numbers of a setting, in every table that has them.
SETTING = [
    pa.field("n_agents", pa.int32()),
    pa.field("threshold", pa.int32()),
    pa.field("high", pa.float64()),
    pa.field("medium", pa.float64()),
    pa.field("low", pa.float64()),
    pa.field("incentive_ratio", pa.float64()),
]
# Who sees whom, and how many decide in a round.
WAY = [pa.field("network", pa.string()), pa.field("revision", pa.float64())]

DECISIONS = pa.schema(
    [
        *_ID,
        pa.field("round", pa.int32(), nullable=False),
        pa.field("seat", pa.int32(), nullable=False),
        pa.field("checkpoint", pa.string(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("choice", pa.string()),
        pa.field("reply", pa.string()),
        *(pa.field(name, pa.int32()) for name in COUNTS),
        pa.field("latency_s", pa.float64()),
        pa.field("reward", pa.float64()),
        pa.field("capital_before", pa.float64()),
        pa.field("capital_after", pa.float64()),
        pa.field("log_capital_after", pa.float64()),
        pa.field("failure", pa.string()),
        pa.field("counts_as", pa.string()),
        pa.field("asked", pa.bool_()),
        pa.field("said", pa.string()),
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
        pa.field("unit", pa.string()),
        pa.field("rate_deviant", pa.int32()),
        pa.field("rate_decisions", pa.int32()),
        pa.field("n_asked", pa.int32()),
    ]
)

EPISODES = pa.schema(
    [
        *_ID,
        pa.field("paradigm", pa.string(), nullable=False),
        pa.field("scenario", pa.string(), nullable=False),
        *SETTING,
        pa.field("rounds", pa.int32(), nullable=False),
        pa.field("visibility", pa.string(), nullable=False),
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("population", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("feedback", pa.string()),
        pa.field("reading", pa.string()),
        pa.field("unreadable", pa.string()),
        *WAY,
        pa.field("converged_round", pa.int32()),
        pa.field("converged_on", pa.string()),
        pa.field("history_window", pa.int32()),
        pa.field("talk", pa.int32()),
    ]
)

CELLS = pa.schema(
    [
        pa.field("cell_id", pa.string(), nullable=False),
        pa.field("grid", pa.string(), nullable=False),
        pa.field("checkpoint", pa.string(), nullable=False),
        pa.field("checkpoint_kind", pa.string(), nullable=False),
        *SETTING,
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
        pa.field("p_recollude_ci_method", pa.string()),
        pa.field("n_assumed", pa.int64()),
        pa.field("differs_from_paper", pa.string()),
        *WAY,
        pa.field("placement", pa.string()),
    ]
)

SHARES = pa.schema(
    [
        pa.field("cell_id", pa.string(), nullable=False),
        pa.field("round", pa.int32(), nullable=False),
        pa.field("option", pa.string(), nullable=False),
        pa.field("share", pa.float64()),
        pa.field("ci_low", pa.float64()),
        pa.field("ci_high", pa.float64()),
        pa.field("ci_method", pa.string(), nullable=False),
        pa.field("n_decisions", pa.int64(), nullable=False),
        pa.field("population_share", pa.float64()),
    ]
)

PROBES = pa.schema(
    [
        *_ID,
        pa.field("round", pa.int32(), nullable=False),
        pa.field("seat", pa.int32(), nullable=False),
        pa.field("checkpoint", pa.string(), nullable=False),
        pa.field("probe", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("reply", pa.string()),
        pa.field("answer", pa.string()),
        pa.field("value", pa.float64()),
        pa.field("actual", pa.float64()),
        *(pa.field(name, pa.int32()) for name in COUNTS),
        pa.field("latency_s", pa.float64()),
        pa.field("failure", pa.string()),
    ]
)

_COMMON = {"decisions": DECISIONS, "rounds": ROUNDS, "episodes": EPISODES, "cells": CELLS}


def table_schemas() -> dict[str, pa.Schema]:
    """Return every dataset's schema by name: common columns with the paradigms', shares, probes, the paradigms' own."""
    rooms = [room.columns for room in paradigms()]
    extended = {
        name: pa.schema([*schema, *(field for room in rooms for field in room.fields.get(name, ()))])
        for name, schema in _COMMON.items()
    }
    aside = {"shares": SHARES, "probes": PROBES}
    return extended | aside | {name: schema for room in rooms for name, schema in room.tables.items()}


def cell_schemas(paradigm_name: str, *, shares: bool = False, probes: bool = False) -> dict[str, pa.Schema]:
    """Return the schemas of the datasets that a cell of one paradigm writes, with what only some cells have."""
    some = {"shares": shares, "probes": probes}
    written = {*_COMMON, *paradigm(paradigm_name).columns.tables, *(name for name, has in some.items() if has)}
    return {name: schema for name, schema in table_schemas().items() if name in written}
