"""What a checkpoint did in a setting, episode by episode and round by round, as columns read from a run's tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from atp_ray.measures.results import Setting, setting_of
from atp_ray.storage.tables import read_table

EpisodeKey = tuple[str, str, int]


class Course(NamedTuple):
    """One cell of a run.

    `setting` says with which numbers it was played and by whom; `visibility` what agents saw of each other. By episode
    and round: `rate_ER` the deviant rate (NaN where nothing was decided), `unit_ER` the number of its unit in `units`.
    `key_E` is what an episode shares with the one it is paired with: unit of its first and last round, and seed.
    `decided_R` are the decisions of an episode in each round, on average.
    """

    setting: Setting
    visibility: str
    rate_ER: npt.NDArray[np.float64]
    unit_ER: npt.NDArray[np.int64]
    units: npt.NDArray[np.str_]
    key_E: list[EpisodeKey]
    decided_R: npt.NDArray[np.float64]

    @property
    def numbers(self) -> tuple[Setting, str]:
        """All of the setting that is not the checkpoint."""
        return self.setting._replace(checkpoint="", checkpoint_kind=""), self.visibility


def load_courses(run_dir: Path) -> list[Course]:
    """Return the cells of a run in the order of their ids; `decisions` is not read.

    Raises:
        UsageError: the folder holds no results.
        StorageError: they cannot be read.
    """
    cells = _cells(run_dir)
    episodes = read_table(run_dir, "episodes", ["cell_id", "episode_id", "scenario", "seed"])
    rounds = read_table(run_dir, "rounds", ["episode_id", "round", "deviant_rate", "unit"])
    ids = pc.unique(episodes["episode_id"])
    first_E = _positions(ids, episodes["episode_id"])
    row_of = _positions(rounds["episode_id"], ids)
    # A cell whose process ended while its tables were written may have rounds and no episodes.
    rounds, row_of = rounds.filter(pa.array(row_of >= 0)), row_of[row_of >= 0]
    round_of = rounds["round"].to_numpy() - 1
    n_rounds = int(round_of.max(initial=0)) + 1
    rate_ER = np.full((len(ids), n_rounds), np.nan)
    rate_ER[row_of, round_of] = rounds["deviant_rate"].to_numpy()
    unit_ER, units = _units(rounds, episodes["scenario"].take(pa.array(first_E)), row_of, round_of, rate_ER.shape)
    seed_E = episodes["seed"].to_numpy()[first_E]
    cell_E = _positions(episodes["cell_id"].take(pa.array(first_E)), pa.array(list(cells)))
    order_E = np.argsort(cell_E, kind="stable")
    bounds = np.searchsorted(cell_E[order_E], np.arange(len(cells) + 1))
    return [
        _course(cell, order_E[start:end], rate_ER, unit_ER, units, seed_E)
        for cell, start, end in zip(cells.values(), bounds[:-1], bounds[1:], strict=True)
    ]


class _Cell(NamedTuple):
    setting: Setting
    visibility: str
    n_decisions_R: list[int]


def _cells(run_dir: Path) -> dict[str, _Cell]:
    table = read_table(run_dir, "cells", [*Setting._fields, "cell_id", "visibility", "round", "n_decisions"])
    found: dict[str, _Cell] = {}
    for row in table.sort_by([("cell_id", "ascending"), ("round", "ascending")]).to_pylist():
        setting = setting_of(row)
        found.setdefault(row["cell_id"], _Cell(setting, row["visibility"], [])).n_decisions_R.append(row["n_decisions"])
    return found


def _course(
    cell: _Cell,
    row_E: npt.NDArray[np.int64],
    rate_ER: npt.NDArray[np.float64],
    unit_ER: npt.NDArray[np.int64],
    units: npt.NDArray[np.str_],
    seed_E: npt.NDArray[np.int64],
) -> Course:
    n_rounds = len(cell.n_decisions_R)
    rate_ER, unit_ER = rate_ER[row_E, :n_rounds], unit_ER[row_E, :n_rounds]
    keys = zip(units[unit_ER[:, 0]].tolist(), units[unit_ER[:, -1]].tolist(), seed_E[row_E].tolist(), strict=True)
    decided_R = np.array(cell.n_decisions_R) / np.maximum((~np.isnan(rate_ER)).sum(axis=0), 1)
    return Course(cell.setting, cell.visibility, rate_ER, unit_ER, units, list(keys), decided_R)


def _units(
    rounds: pa.Table,
    scenario_E: pa.ChunkedArray,
    row_of: npt.NDArray[np.int64],
    round_of: npt.NDArray[np.int64],
    shape: tuple[int, int],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.str_]]:
    """Return the unit of every round as a number and the names of these; the scenario where no unit was written."""
    scenarios = pc.unique(scenario_E)
    named = pc.unique(rounds["unit"].drop_null())
    names = np.array([*scenarios.to_pylist(), *named.to_pylist()])
    unit_ER = np.repeat(_positions(scenario_E, scenarios)[:, None], shape[1], axis=1)
    written = rounds["unit"].is_valid().to_numpy()
    unit_ER[row_of[written], round_of[written]] = len(scenarios) + _positions(rounds["unit"].drop_null(), named)
    missing_ER = np.ones(shape, dtype=bool)
    missing_ER[row_of, round_of] = False
    # A round that was not played has the unit of the last one that was.
    for number in range(1, shape[1]):
        missing = missing_ER[:, number]
        unit_ER[missing, number] = unit_ER[missing, number - 1]
    return unit_ER, names


def _positions(values: Any, among: Any) -> npt.NDArray[np.int64]:
    """Return where each value is first found, -1 where it is not."""
    place_V: npt.NDArray[np.int64] = pc.fill_null(pc.index_in(values, value_set=among), -1).to_numpy().astype(np.int64)
    return place_V
