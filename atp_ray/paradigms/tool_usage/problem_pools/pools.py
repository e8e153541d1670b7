"""Problem pools behind one interface: the embedded one, the paper's from the hub, or a local folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import get_args

import numpy as np

from atp_ray.config_files import parse_model
from atp_ray.errors import UsageError
from atp_ray.paradigms.tool_usage.number_reading import read_number
from atp_ray.paradigms.tool_usage.problem_pools.generated import generate_problems
from atp_ray.paradigms.tool_usage.scenarios import RoundProblems
from atp_ray.play.problems import Difficulty, Problem
from atp_ray.play.randomness import derive_seed
from atp_ray.storage.fetched import local_copy
from atp_ray.storage.places import is_address

EMBEDDED = "embedded"
PAPER = "paper"
POOL_SIZES: dict[Difficulty, int] = {"simple": 500, "complex": 300}  # the paper's
DIFFICULTIES: tuple[Difficulty, ...] = get_args(Difficulty)
Pools = Mapping[Difficulty, list[Problem]]


def load_pools(name: str) -> Pools:
    """Return the pools of both difficulties: `embedded`, `paper`, `paper:FOLDER`, or a folder of JSON lines.

    A folder, here or in an object store, holds `simple.jsonl` and `complex.jsonl`, each line with `text` and `answer`.
    `paper:FOLDER` reads local copies of the two datasets, in `FOLDER/gsm8k` and `FOLDER/openthoughts`.

    Raises:
        UsageError: nothing of that name, or a file is damaged; names file and line.
    """
    if name == EMBEDDED:
        return {difficulty: embedded_pool(difficulty) for difficulty in DIFFICULTIES}
    if is_address(name):
        return _folder_pools(local_copy(name))
    if name.partition(":")[0] == PAPER:
        # Imported here: the datasets library is dear to import and only this pool needs it.
        from atp_ray.paradigms.tool_usage.problem_pools.hub import load_paper_pools

        folder = name.partition(":")[2]
        return load_paper_pools(local_copy(folder) if folder else None, POOL_SIZES)
    if not Path(name).is_dir():
        raise UsageError(f"unknown problem pool '{name}'", "pool", f"Use {EMBEDDED}, {PAPER}, or a folder")
    return _folder_pools(Path(name))


def embedded_pool(difficulty: Difficulty) -> list[Problem]:
    """Return the project's own pool: as many problems as the paper's, the same ones everywhere."""
    return [made.problem for made in generate_problems(difficulty, POOL_SIZES[difficulty], seed=0)]


@cache
def embedded_texts() -> frozenset[str]:
    """Return the texts of both embedded pools, which no training transcript may contain."""
    return frozenset(problem.text for difficulty in POOL_SIZES for problem in embedded_pool(difficulty))


def deal_problems(
    pools: Pools, agents: int, rounds: int, simple_problems: int, seed: int
) -> list[tuple[RoundProblems, ...]]:
    """Return the problems of each agent and round; nobody gets a problem that anybody else gets under this seed.

    Raises:
        UsageError: a pool has too few problems.
    """
    wanted: dict[Difficulty, int] = {"simple": agents * rounds * simple_problems, "complex": agents * rounds}
    dealt = {}
    for difficulty, count in wanted.items():
        pool = pools[difficulty]
        if len(pool) < count:
            hint = "Use fewer agents, rounds or simple problems, or a larger pool"
            raise UsageError(f"has {len(pool)} {difficulty} problems but {count} are needed", "pool", hint)
        order = np.random.default_rng(derive_seed("deal", difficulty, seed)).permutation(len(pool))
        dealt[difficulty] = iter([pool[i] for i in order[:count]])
    return [
        tuple(
            RoundProblems(
                simple=tuple(next(dealt["simple"]) for _ in range(simple_problems)),
                complex=(next(dealt["complex"]),),
            )
            for _ in range(rounds)
        )
        for _ in range(agents)
    ]


def _folder_pools(folder: Path) -> Pools:
    return {difficulty: _read_lines(folder / f"{difficulty}.jsonl", difficulty) for difficulty in DIFFICULTIES}


def _read_lines(path: Path, difficulty: Difficulty) -> list[Problem]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"cannot be read: {error}", str(path), "A pool needs simple.jsonl and complex.jsonl"
        ) from error
    return [_read_problem(line, f"{path}:{n}", path, n, difficulty) for n, line in enumerate(lines, 1) if line.strip()]


def _read_problem(line: str, where: str, path: Path, number: int, difficulty: Difficulty) -> Problem:
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        raise UsageError(f"is not valid JSON: {error.msg}", where, "Fix the line") from error
    if not isinstance(data, dict) or {"text", "answer"} - data.keys():
        raise UsageError("needs the keys text and answer", where, 'Example: {"text": "What is 6 x 7?", "answer": "42"}')
    answer = str(data["answer"])
    if read_number(answer) is None:
        raise UsageError(f"the answer '{answer[:40]}' is not a number", where, "Give one number")
    fields = {
        "problem_id": f"{path.parent.name}-{difficulty}-{number}",
        "text": data["text"],
        "answer": answer,
        "difficulty": difficulty,
        "source": path.parent.name,
    }
    return parse_model(Problem, fields, where)
