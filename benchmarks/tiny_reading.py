"""How often `tiny` repeats the numbers of its prompt rightly before it decides, by number of agents.

`python -m benchmarks.tiny_reading RUN...` reads runs of games that `tiny` played. Like its teacher it begins a reply
with how many are needed and how many joined in the last round, each as a count and as a percentage; both stand in its
prompt. What it then decides can only be as right as what it has read.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from atp_ray.errors import UsageError
from atp_ray.play.wording import percent
from atp_ray.storage.tables import read_table

NEEDED = re.compile(r"^Needed (\d+ of \d+) \((\S+)\)")
LAST = re.compile(r"Last (\d+ of \d+) \((\S+)\)")


class Reading(NamedTuple):
    """Whether a reply repeats rightly the count needed, its percentage, and the last round (None in round 1)."""

    count: bool
    percentage: bool
    last_round: bool | None


def read_rightly(reply: str, threshold: int, n: int, joined: int | None) -> Reading:
    """Compare a reply with what its prompt said.

    Args:
        joined: who colluded in the round before, None in the first.
    """
    needed, last = NEEDED.search(reply), LAST.search(reply)
    known = None if joined is None else (f"{joined} of {n}", percent(joined, n))
    return Reading(
        count=needed is not None and needed[1] == f"{threshold} of {n}",
        percentage=needed is not None and needed[2] == percent(threshold, n),
        last_round=None if known is None else last is not None and last.groups() == known,
    )


def readings(run_dir: Path, checkpoint: str) -> Iterator[tuple[int, Reading]]:
    """Yield the number of agents and the reading of each reply of a checkpoint.

    Raises:
        UsageError: the folder is no run.
    """
    episodes: Mapping[str, Any] = {row["episode_id"]: row for row in read_table(run_dir, "episodes").to_pylist()}
    rounds = read_table(run_dir, "rounds", ["episode_id", "round", "n_deviant"]).to_pylist()
    joined = {(row["episode_id"], row["round"] + 1): row["n_deviant"] for row in rounds}
    table = read_table(run_dir, "decisions", ["episode_id", "round", "checkpoint", "reply"])
    for row in table.to_pylist():
        if row["checkpoint"] == checkpoint and row["reply"] is not None:
            episode = episodes[row["episode_id"]]
            n = episode["n_agents"]
            before = joined.get((row["episode_id"], row["round"]))
            yield n, read_rightly(row["reply"], episode["threshold"], n, before)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--checkpoint", default="tiny")
    given = parser.parse_args()
    by_size: dict[int, list[Reading]] = defaultdict(list)
    for run_dir in given.runs:
        for n, reading in readings(run_dir, given.checkpoint):
            by_size[n].append(reading)
    if not by_size:
        raise UsageError(f"no replies of {given.checkpoint}", str(given.runs[0]), "Give runs that it played")
    print("| agents | replies | count needed | its percentage | last round |")
    print("| --- | --- | --- | --- | --- |")
    for n, found in sorted(by_size.items()):
        later = [reading.last_round for reading in found if reading.last_round is not None]
        shares = [sum(r.count for r in found) / len(found), sum(r.percentage for r in found) / len(found)]
        shares += [sum(later) / len(later)] if later else []
        print(f"| {n} | {len(found):,} | " + " | ".join(f"{share:.1%}" for share in shares) + " |")


if __name__ == "__main__":
    main()
