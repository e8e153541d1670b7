"""Decisions per second of the whole system over raw `vllm.LLM.chat` on the same prompts, in one run.

`python -m benchmarks.throughput` plays a grid with `tiny` through Ray, Serve and vLLM, rebuilds every prompt it asked
from the event log, asks them again through `LLM.chat` in one process (same engine settings, same seeds), and prints
both rates, their ratio, and the wall time of the sweep by part.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from atp_ray.checkpoint.names import resolve_checkpoints
from atp_ray.paradigms.grids import expand, load_grid
from atp_ray.storage.run_folder import read_manifest
from atp_ray.storage.tables import read_table
from benchmarks.prompts import asked_prompts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--grid", default="appendix_b")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="atp_ray-benchmark-") as folder:
        run, prompts, raw = (Path(folder) / name for name in ("run", "prompts.json", "raw.json"))
        sweep = [sys.executable, "-m", "atp_ray.sweep", "--grid", arguments.grid, "--out", str(run)]
        subprocess.run(sweep, check=True, stdout=subprocess.DEVNULL)
        grid = load_grid(arguments.grid)
        cells = expand(grid, resolve_checkpoints(grid.checkpoints, None))
        asked = [{"messages": messages, "seed": seed} for messages, seed in asked_prompts(run, cells)]
        prompts.write_text(json.dumps(asked))
        reference = [sys.executable, "-m", "benchmarks.raw_engine", str(prompts), str(raw)]
        subprocess.run(reference, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds = read_manifest(run)["seconds"]
        result = _compare(len(asked), seconds, json.loads(raw.read_text()), run)
    print(json.dumps(result, indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


def _compare(n: int, seconds: dict[str, float], raw: dict, run: Path) -> dict:
    replies = {
        (row["episode_id"], row["round"], row["seat"]): row["reply"] for row in read_table(run, "decisions").to_pylist()
    }
    system, reference = n / seconds["rounds"], n / raw["seconds"]
    return {
        "decisions": n,
        "system_decisions_per_s": round(system, 1),
        "raw_llm_chat_decisions_per_s": round(reference, 1),
        "ratio": round(system / reference, 3),
        "same_replies": round(len(set(replies.values()) & set(raw["replies"])) / len(set(replies.values())), 3),
        "seconds_by_part": {name: round(value, 1) for name, value in seconds.items()},
    }


if __name__ == "__main__":
    main()
