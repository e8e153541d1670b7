"""Interactions of naming games as what each agent saw and what it then chose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from atp_ray.errors import StorageError, UsageError, suggestion

EMPTY = -1
COLUMNS = (
    "model", "experiment", "options", "n_agents", "memory", "run", "interaction",
    "player_1", "player_2", "answer_1", "answer_2",
)  # fmt: skip
RUN_COLUMNS = ("source_file", "experiment", "options", "committed", "n_agents", "run")  # of one run, all are the same
PLAYERS_FILE = "players.parquet"
FROM_NOTHING = "converged"  # the experiment that begins with empty memories

Names = npt.NDArray[np.int8]


class Windows(NamedTuple):
    """Decisions with what was seen before each; names are indices, `EMPTY` where there was no interaction yet.

    `own_DH` and `other_DH` are the agent's own and its partners' names, oldest first; `run_D` numbers the runs from 0.
    """

    own_DH: Names
    other_DH: Names
    chosen_D: Names
    run_D: npt.NDArray[np.int32]


class Selection(NamedTuple):
    """Which interactions of a table are meant: all of a model and some experiments that have the same list of names."""

    model: str
    experiments: tuple[str, ...]
    names: tuple[str, ...]
    n_agents: int | None = None
    memory: int | None = None


class Run(NamedTuple):
    """One population, in the order of its interactions: pairs of agents (from 0) and the names they chose.

    `memory` is how many interactions an agent remembers. `own_A` and `other_A` are what agents remembered at the
    start, oldest first; None where nobody knows. `committed` agents are not asked: they always choose one name.
    """

    n_agents: int
    memory: int
    players_I2: npt.NDArray[np.int32]
    answers_I2: Names
    committed: frozenset[int]
    own_A: tuple[tuple[int, ...], ...] | None
    other_A: tuple[tuple[int, ...], ...] | None


def read_runs(path: Path, selection: Selection) -> list[Run]:
    """Return the runs that were selected from a table in the format of `COLUMNS`.

    What agents remembered at the start and who was committed is read from `players.parquet` beside it. Without that
    file the experiment `converged` begins with empty memories, the start of others is unknown, and of `k` committed
    agents it is the first `k`.

    Raises:
        UsageError: a column is missing, or nothing is there of what was selected (says what is).
        StorageError: a file cannot be read.
    """
    table = _selected(_read(path, COLUMNS), path, selection)
    memories = set(table["memory"].to_pylist())
    if len(memories) > 1:
        raise UsageError(f"memories of several lengths: {sorted(memories)}", str(path), "Choose one with --memory")
    players = path.parent / PLAYERS_FILE
    starts = _Starts(players if players.exists() else None, selection.names)
    groups: dict[tuple[object, ...], list[int]] = {}
    told_apart = [table[name].to_pylist() for name in RUN_COLUMNS if name in table.column_names]
    for row, key in enumerate(zip(*told_apart, strict=True)):
        groups.setdefault(key, []).append(row)
    return [_run(table.take(rows).sort_by("interaction"), selection, starts) for rows in groups.values()]


def windows(runs: Sequence[Run]) -> Windows:
    """Return every decision of the agents that are not committed, where all that it could remember is known.

    Raises:
        UsageError: there is none.
    """
    parts = [_decisions(run) for run in runs]
    rows = [np.array(part, dtype=np.int8) for part in parts if part]
    if not rows:
        raise UsageError("holds no decision whose past is known", "the interactions", f"Put {PLAYERS_FILE} beside them")
    memory = runs[0].memory
    all_D = np.concatenate(rows)
    run_D = np.repeat(np.arange(len(parts)), [len(part) for part in parts]).astype(np.int32)
    return Windows(all_D[:, :memory], all_D[:, memory:-1], all_D[:, -1], run_D)


def _decisions(run: Run) -> list[list[int]]:
    memory = run.memory
    known = run.own_A is not None and run.other_A is not None
    own = [list(past) for past in run.own_A] if run.own_A else [[] for _ in range(run.n_agents)]
    other = [list(past) for past in run.other_A] if run.other_A else [[] for _ in range(run.n_agents)]
    rows = []
    for pair, answers in zip(run.players_I2.tolist(), run.answers_I2.tolist(), strict=True):
        for agent, answer in zip(pair, answers, strict=True):
            seen, met = own[agent][-memory:], other[agent][-memory:]
            if answer != EMPTY and agent not in run.committed and (known or len(seen) == memory):
                empty = [EMPTY] * (memory - len(seen))
                rows.append([*empty, *seen, *empty, *met, answer])
        if EMPTY not in answers:
            for agent, mine, theirs in zip(pair, answers, reversed(answers), strict=True):
                own[agent].append(mine)
                other[agent].append(theirs)
    return rows


class _Starts:
    """What is known of the players of each run."""

    def __init__(self, path: Path | None, names: Sequence[str]) -> None:
        self._rows: dict[tuple[str, int], list[dict[str, object]]] = {}
        if path is not None:
            wanted = ("source_file", "run", "player", "committed", "initial_own", "initial_partner")
            for row in _read(path, wanted).to_pylist():
                self._rows.setdefault((row["source_file"], row["run"]), []).append(row)
        self._number = {name: index for index, name in enumerate(names)}

    def of(self, key: tuple[str, int]) -> list[tuple[bool, tuple[int, ...], tuple[int, ...]]] | None:
        """Return of each agent whether it is committed and what it remembered, None where nothing is known."""
        rows = self._rows.get(key)
        if rows is None:
            return None
        rows = sorted(rows, key=lambda row: int(str(row["player"])))
        return [
            (bool(row["committed"]), self._past(row["initial_own"]), self._past(row["initial_partner"])) for row in rows
        ]

    def _past(self, names: object) -> tuple[int, ...]:
        return tuple(self._number[str(name)] for name in names or ())  # type: ignore[attr-defined]


def _run(table: pa.Table, selection: Selection, starts: _Starts) -> Run:
    number = {name: index for index, name in enumerate(selection.names)}
    answers = [[number.get(name, EMPTY) for name in table[column].to_pylist()] for column in ("answer_1", "answer_2")]
    players = np.stack([table[column].to_numpy() - 1 for column in ("player_1", "player_2")], axis=1).astype(np.int32)
    n_agents, memory = int(table["n_agents"][0].as_py()), int(table["memory"][0].as_py())
    source = str(table["source_file"][0].as_py()) if "source_file" in table.column_names else ""
    known = starts.of((source, int(table["run"][0].as_py())))
    if known is not None and len(known) == n_agents:
        committed = frozenset(agent for agent, (is_committed, _, _) in enumerate(known) if is_committed)
        own: tuple[tuple[int, ...], ...] | None = tuple(past for _, past, _ in known)
        other: tuple[tuple[int, ...], ...] | None = tuple(past for _, _, past in known)
    else:
        n_committed = int(table["committed"][0].as_py() or 0) if "committed" in table.column_names else 0
        committed = frozenset(range(n_committed))
        empty = table["experiment"][0].as_py() == FROM_NOTHING
        own = other = tuple(() for _ in range(n_agents)) if empty else None
    return Run(n_agents, memory, players, np.array(answers, dtype=np.int8).T, committed, own, other)


def _selected(table: pa.Table, path: Path, selection: Selection) -> pa.Table:
    """Return the rows that are meant, narrowing step by step so that the error names the step that left nothing."""
    table = _narrowed(table, path, "model", [selection.model])
    table = _narrowed(table, path, "experiment", selection.experiments)
    wanted = sorted(selection.names)
    lists = {text for text in table["options"].unique().to_pylist() if sorted(text.split()) == wanted}
    if not lists:
        found = ", ".join(sorted({",".join(text.split()) for text in table["options"].unique().to_pylist()}))
        raise UsageError(f"no interactions with the names {','.join(selection.names)}", str(path), f"It has {found}")
    table = table.filter(pc.is_in(table["options"], pa.array(sorted(lists))))
    for column, value in (("n_agents", selection.n_agents), ("memory", selection.memory)):
        if value is not None:
            table = _narrowed(table, path, column, [value])
    return table


def _narrowed(table: pa.Table, path: Path, column: str, wanted: Sequence[str | int]) -> pa.Table:
    there = table[column].unique().to_pylist()
    for value in wanted:
        if value not in there:
            hint = (
                suggestion(value, there) if isinstance(value, str) else f"It has {', '.join(map(str, sorted(there)))}"
            )
            raise UsageError(f"no interactions with {column} {value}", str(path), hint)
    return table.filter(pc.is_in(table[column], pa.array(wanted, table[column].type)))


def _read(path: Path, columns: Sequence[str]) -> pa.Table:
    try:
        table = pq.read_table(path)
    except FileNotFoundError as error:
        raise UsageError("does not exist", str(path), "Give a Parquet table of interactions") from error
    except (OSError, pa.ArrowException) as error:
        raise StorageError(f"cannot be read as Parquet: {str(error).splitlines()[0]}", str(path)) from error
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise UsageError(f"has no column {', '.join(missing)}", str(path), f"It needs {', '.join(columns)}")
    return table
