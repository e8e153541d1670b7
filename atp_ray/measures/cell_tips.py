"""The tips of all episodes of a run, read from `rounds` file by file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from atp_ray.measures.tips import IntArray, tips
from atp_ray.storage.tables import reading, table_files


class CellTips(NamedTuple):
    """The tips of one cell's episodes [E]: `tip_E` is 0 where an episode did not tip, `last_E` its last round."""

    cell_id: str
    episode_E: pa.Array
    tip_E: IntArray
    last_E: IntArray

    @property
    def n_later(self) -> int:
        """How many episodes tipped after their first round."""
        return int((self.tip_E > 1).sum())

    @property
    def n_from_start(self) -> int:
        """How many were above one half in all rounds."""
        return int((self.tip_E == 1).sum())


def cell_tips(run_dir: Path) -> Iterator[CellTips]:
    """Yield the tips of each cell of a run; one file of `rounds` is in memory at a time.

    Raises:
        UsageError: the run has no results.
        StorageError: a file is damaged.
    """
    for path in table_files(run_dir, "rounds"):
        columns = ["cell_id", "episode_id", "round", "deviant_rate"]
        with reading(path):
            table = pq.read_table(path, columns=columns, read_dictionary=columns[:2]).combine_chunks()
        for number, cell_id in enumerate(_dictionary(table["cell_id"]).to_pylist()):
            rows = table.filter(pa.array(_codes(table["cell_id"]) == number))
            ids = _dictionary(rows["episode_id"])
            # The dictionary is that of the file: number the cell's own episodes from 0, in the order of play.
            own, first, codes = np.unique(_codes(rows["episode_id"]), return_index=True, return_inverse=True)
            place = np.argsort(np.argsort(first))
            tip_E, last_E = tips(place[codes], rows["round"].to_numpy(), rows["deviant_rate"].to_numpy().astype(float))
            yield CellTips(cell_id, ids.take(pa.array(own[np.argsort(first)])), tip_E, last_E)


def _dictionary(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks().dictionary


def _codes(column: pa.ChunkedArray) -> IntArray:
    return np.asarray(column.combine_chunks().indices, dtype=np.int64)
