"""GSM8K and OpenThoughts through Hugging Face `datasets`, from the hub or a local copy, with the paper's filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from atp_ray.errors import UsageError
from atp_ray.paradigms.tool_usage.grading import read_answer
from atp_ray.paradigms.tool_usage.problem_pools.filters import gsm8k_answer, is_complex, is_simple
from atp_ray.play.problems import Difficulty, Problem

GSM8K = ("openai/gsm8k", "main")
OPENTHOUGHTS = ("open-thoughts/OpenThoughts-114k", "metadata")


def load_paper_pools(folder: Path | None, sizes: Mapping[Difficulty, int]) -> dict[Difficulty, list[Problem]]:
    """Return the first problems of each dataset that pass the filters, as many as `sizes` says or as there are.

    Args:
        folder: holds local copies in `gsm8k` and `openthoughts`; None reads the hub.

    Raises:
        UsageError: a dataset cannot be reached or read, or has other columns.
    """
    simple = _rows(GSM8K, folder / "gsm8k" if folder else None)
    complex_ = _rows(OPENTHOUGHTS, folder / "openthoughts" if folder else None)
    return {
        "simple": list(islice(_simple(simple), sizes["simple"])),
        "complex": list(islice(_complex(complex_), sizes["complex"])),
    }


def _simple(rows: Iterable[Mapping[str, Any]]) -> Iterable[Problem]:
    for index, row in enumerate(rows):
        question, solution = _text(row, "question", GSM8K[0]), _text(row, "answer", GSM8K[0])
        answer = gsm8k_answer(solution)
        if answer is not None and is_simple(question, solution):
            yield Problem(
                problem_id=f"gsm8k-{index}", text=question, answer=answer, difficulty="simple", source="gsm8k"
            )


def _complex(rows: Iterable[Mapping[str, Any]]) -> Iterable[Problem]:
    for index, row in enumerate(rows):
        if row.get("domain", "math") != "math":
            continue
        question, solution = (
            _text(row, "problem", OPENTHOUGHTS[0]),
            _text(row, "ground_truth_solution", OPENTHOUGHTS[0]),
        )
        answer = read_answer(solution).text
        if answer is not None and is_complex(question, answer):
            yield Problem(
                problem_id=f"openthoughts-{index}",
                text=question,
                answer=answer,
                difficulty="complex",
                source="openthoughts",
            )


def _text(row: Mapping[str, Any], column: str, dataset: str) -> str:
    if column not in row:
        raise UsageError(f"has no column '{column}'", dataset, "Give an unchanged copy of the dataset")
    return str(row[column] or "")


def _rows(dataset: tuple[str, str], folder: Path | None) -> Iterable[Mapping[str, Any]]:
    import datasets

    name, subset = dataset
    datasets.disable_progress_bars()
    try:
        if folder is None:
            loaded = datasets.load_dataset(name, subset, split="train", streaming=True)
        elif not folder.is_dir():
            raise FileNotFoundError(f"{folder} is not a folder")
        else:
            loaded = datasets.load_dataset(str(folder), split="train")
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        hint = "Connect to the hub, or give local copies with pool=paper:FOLDER; pool=embedded needs neither"
        raise UsageError(f"cannot be loaded: {reason}", str(folder or name), hint) from error
    rows: Iterable[Mapping[str, Any]] = loaded
    return rows
