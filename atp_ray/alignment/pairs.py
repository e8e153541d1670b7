"""Preference pairs: Parquet here, LLaMA-Factory's JSON and Hugging Face datasets for others."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, ValidationError

from atp_ray.config_files import Frozen, parse_model
from atp_ray.errors import StorageError, UsageError
from atp_ray.storage.checked_lines import write_line

PAIRS = pa.schema(
    [
        pa.field("pair_id", pa.string(), nullable=False),
        pa.field("paradigm", pa.string(), nullable=False),
        pa.field("scenario", pa.string(), nullable=False),
        pa.field("checkpoint", pa.string(), nullable=False),
        pa.field("system", pa.string(), nullable=False),
        pa.field("prompt", pa.string(), nullable=False),
        pa.field("chosen", pa.string(), nullable=False),
        pa.field("rejected", pa.string(), nullable=False),
        pa.field("chosen_tries", pa.int32(), nullable=False),
        pa.field("rejected_tries", pa.int32(), nullable=False),
    ]
)


class PreferencePair(Frozen):
    """Two replies to one plain prompt, the aligned one chosen; `*_tries` replies were drawn for each (0: imported)."""

    pair_id: str
    paradigm: str
    scenario: str = ""
    checkpoint: str = ""
    system: str = ""
    prompt: str = Field(min_length=1)
    chosen: str = Field(min_length=1)
    rejected: str = Field(min_length=1)
    chosen_tries: int = Field(default=0, ge=0)
    rejected_tries: int = Field(default=0, ge=0)


def write_pairs(pairs: Sequence[PreferencePair], path: Path) -> None:
    """Write pairs as one Parquet file, whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    table = pa.Table.from_pylist([pair.model_dump() for pair in pairs], schema=PAIRS)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, temporary, compression="zstd")
        temporary.replace(path)
    except OSError as error:
        raise _not_written(path, error) from error


def read_pairs(path: Path) -> list[PreferencePair]:
    """Read pairs from Parquet, or from LLaMA-Factory's JSON (by the ending).

    Raises:
        UsageError: no such file, a field is missing or empty (with the number of the pair), or there is no pair.
    """
    if path.suffix == ".json":
        rows = _json_rows(path)
    else:
        try:
            rows = pq.read_table(path).to_pylist()
        except (OSError, pa.ArrowException) as error:
            reason = "no such file" if isinstance(error, FileNotFoundError) else str(error).splitlines()[0].rstrip(".")
            raise UsageError(f"cannot be read: {reason}", str(path), "Give pairs.parquet or a .json file") from error
    if not rows:
        raise UsageError("holds no pair", str(path), "Collect some: python -m atp_ray.align pairs")
    return [parse_model(PreferencePair, row, f"{path}[{index}]") for index, row in enumerate(rows)]


def llama_factory_rows(pairs: Iterable[PreferencePair]) -> list[dict[str, str]]:
    """Return pairs in LLaMA-Factory's preference format: instruction, system, chosen, rejected."""
    return [
        {"instruction": pair.prompt, "system": pair.system, "chosen": pair.chosen, "rejected": pair.rejected}
        for pair in pairs
    ]


def conversational_rows(pairs: Iterable[PreferencePair]) -> list[dict[str, Any]]:
    """Return pairs in TRL's conversational preference format: prompt, chosen and rejected as chat messages."""
    return [
        {
            "prompt": [{"role": role, "content": text} for role, text in _opening(pair)],
            "chosen": [{"role": "assistant", "content": pair.chosen}],
            "rejected": [{"role": "assistant", "content": pair.rejected}],
        }
        for pair in pairs
    ]


def _opening(pair: PreferencePair) -> list[tuple[str, str]]:
    return [("system", pair.system), ("user", pair.prompt)] if pair.system else [("user", pair.prompt)]


def _json_rows(path: Path) -> list[dict[str, Any]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read: {error}", str(path), "Check the path") from error
    except json.JSONDecodeError as error:
        raise UsageError(f"is not valid JSON: {error.msg}", f"{path}:{error.lineno}", "Fix the file") from error
    if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
        raise UsageError("is not a list of pairs", str(path), "Give LLaMA-Factory preference JSON")
    return [_from_llama_factory(entry, index, path) for index, entry in enumerate(data)]


def _from_llama_factory(entry: dict[str, Any], index: int, path: Path) -> dict[str, Any]:
    missing = {"instruction", "chosen", "rejected"} - entry.keys()
    if missing:
        raise UsageError(f"pair {index} has no '{sorted(missing)[0]}'", str(path), "Add it to the file")
    parts = [part for part in (entry["instruction"], entry.get("input")) if part]
    if not all(isinstance(part, str) for part in parts):
        raise UsageError(f"the question of pair {index} is not text", str(path), "Write it as one string")
    return {
        "pair_id": str(entry.get("id", f"{path.stem}-{index}")),
        "paradigm": "imported",
        "system": entry.get("system") or "",
        "prompt": "\n".join(parts),
        "chosen": entry["chosen"],
        "rejected": entry["rejected"],
    }


class PairLog:
    """Pairs as they are collected, one JSON line each, so that a collection that was stopped resumes where it was.

    Raises:
        StorageError: the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.pairs: dict[str, PreferencePair] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab", buffering=0)
            self._recover()
        except OSError as error:
            raise _not_written(path, error) from error

    def append(self, pair: PreferencePair) -> None:
        """Keep one pair; it is on disk when this returns.

        Raises:
            StorageError: the disk is full or the file cannot be written.
        """
        try:
            write_line(self._file, pair.model_dump_json().encode() + b"\n")
        except OSError as error:
            raise _not_written(self._path, error) from error
        self.pairs[pair.pair_id] = pair

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _recover(self) -> None:
        whole = 0
        # Bytes, because a reply may hold what ends a line of text, and a crash may cut a letter in two.
        for line in self._path.read_bytes().split(b"\n")[:-1]:
            try:
                pair = PreferencePair.model_validate_json(line)
            except ValidationError:
                break  # damaged: this pair and those after it are collected again
            self.pairs[pair.pair_id] = pair
            whole += len(line) + 1
        self._file.truncate(whole)


def _not_written(path: Path, error: OSError) -> StorageError:
    return StorageError(f"cannot be written: {error.strerror}", str(path), "Choose another --out")
