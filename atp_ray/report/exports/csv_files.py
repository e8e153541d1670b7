"""Each dataset of a run as one CSV file, in the order of its rows in Parquet."""

from __future__ import annotations

from pathlib import Path

from pyarrow import csv

from atp_ray.storage.schema import table_schemas
from atp_ray.storage.tables import read_table


def write(run_dir: Path, out: Path) -> list[Path]:
    """Write the datasets that the run has; returns the files.

    Raises:
        StorageError: a dataset cannot be read.
    """
    paths = []
    for name in table_schemas():
        if (run_dir / name).exists():
            paths.append(out / f"{name}.csv")
            csv.write_csv(read_table(run_dir, name), paths[-1])
    return paths
