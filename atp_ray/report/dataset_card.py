"""The card (`README.md`) that makes a run folder a Hugging Face dataset: `datasets.load_dataset(RUN, "cells")`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from atp_ray.checkpoint.profiles import MODELLESS_KINDS
from atp_ray.errors import StorageError
from atp_ray.paradigms.registry import DEFAULT, paradigm
from atp_ray.paradigms.selection import UPSTREAM_PREFIX
from atp_ray.storage.run_folder import finished_cells, read_manifest
from atp_ray.storage.schema import cell_schemas
from atp_ray.storage.tables import table_files, written_tables

CARD_FILE = "README.md"
OWN_POOL = "embedded"
ROW_OF = {
    "decisions": "one seat in one round, with its reply",
    "rounds": "one round of one episode",
    "episodes": "one episode",
    "cells": "one round of one cell: rates with intervals",
    "shares": "one option in one round of one cell: its share with an interval",
    "solutions": "one problem that an agent worked on",
}
LARGEST = {"n<1K": 10**3, "1K<n<10K": 10**4, "10K<n<100K": 10**5, "100K<n<1M": 10**6, "1M<n<10M": 10**7}
CITATION = """\
```bibtex
@misc{alignment_tipping_process,
  title  = {Alignment Tipping Process: How Self-Evolution Pushes LLM Agents Off the Rails},
  note   = {arXiv:2510.04860},
  url    = {https://arxiv.org/abs/2510.04860}
}
```"""


def write_card(run_dir: Path) -> Path:
    """Write the card of a run, complete or not; it lists the datasets that the run has or will have.

    Raises:
        UsageError: there is no run.
        StorageError: a dataset cannot be read, or the card cannot be written.
    """
    from huggingface_hub import DatasetCard

    path = run_dir / CARD_FILE
    try:
        DatasetCard(dataset_card(run_dir), ignore_metadata_errors=True).save(path)
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror}", str(path), "Free some space") from error
    return path


def dataset_card(run_dir: Path) -> str:
    """Return the card of a run as Markdown with a YAML header.

    Raises:
        UsageError: there is no run.
        StorageError: a dataset cannot be read.
    """
    manifest = read_manifest(run_dir)
    header = yaml.safe_dump(
        card_data(manifest, shares=_has_shares(run_dir, manifest)), sort_keys=False, allow_unicode=True
    )
    return f"---\n{header}---\n\n" + "\n\n".join(_sections(run_dir, manifest)) + "\n"


def card_data(manifest: Mapping[str, Any], *, shares: bool) -> dict[str, Any]:
    """Return the header of the card: what the hub and `datasets` read; `shares` says whether there are such rows."""
    from huggingface_hub import DatasetCardData

    paradigm_name = str(_grid(manifest).get("paradigm", DEFAULT))
    configs: list[dict[str, Any]] = [
        {"config_name": name, "data_files": f"{name}/*.parquet"}
        for name in cell_schemas(paradigm_name, shares=shares, probes=bool(_grid(manifest).get("probes")))
    ]
    configs[0]["default"] = True  # decisions
    ours = _own_players(manifest) and _own_scenarios(manifest)
    licence = {"license": "mit"} if ours else {"license": "other", "license_name": "terms-of-its-sources"}
    size = _size(manifest.get("n_decisions"))
    data = DatasetCardData(
        language="en",
        **licence,
        pretty_name=f"{_grid(manifest).get('name', 'run')}, played by atp_ray",
        size_categories=[size] if size else None,
        tags=["atp_ray", "alignment-tipping-process", "multi-agent", paradigm_name, "arxiv:2510.04860"],
        configs=configs,
    )
    return dict(data.to_dict())


def _sections(run_dir: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    grid, checkpoints = _grid(manifest), _checkpoints(manifest)
    yield f"# {grid.get('name', 'A run')}"
    yield str(grid.get("description") or "A run of atp_ray.")
    yield (
        f"Played by [atp_ray](https://arxiv.org/abs/2510.04860) {manifest.get('atp_ray', '')}, which measures the "
        "Alignment Tipping Process in populations of LLM agents. "
        f"Checkpoints: {', '.join(f'`{name}`' for name in checkpoints) or 'not recorded'}. "
        f"{manifest.get('n_cells', '?')} cells, of which {len(finished_cells(run_dir))} are finished; "
        f"seeds {', '.join(map(str, manifest.get('seeds', []))) or 'not recorded'}."
    )
    if label := manifest.get("label"):
        yield f"**{label}**"
    yield "## Datasets"
    yield _datasets_table(run_dir, manifest)
    yield (
        "All files of a dataset have the same columns; those that a paradigm does not have are null. `deviant` means "
        "to collude in the games, to break the rule in role-play, and to do without the tool in tool usage. The schema "
        f"has version {manifest.get('schema_version', 1)}; docs/results.md of atp_ray has every column."
    )
    yield '```python\nimport datasets\n\ncells = datasets.load_dataset("RUN", "cells", split="train")\n```'
    yield (
        "`run.json` has the settings as given and as resolved, the checkpoints, versions and seeds; `log/` is the "
        "event log that the datasets were made from. Neither is data of these configurations."
    )
    yield "## Licence"
    yield " ".join(_terms(manifest))
    yield "## Reproduce"
    yield f"```yaml\n{yaml.safe_dump(manifest.get('grid_as_given', {}), sort_keys=False).strip()}\n```"
    yield "Put this into `grid.yaml`, then `python -m atp_ray.sweep --grid grid.yaml --out RUN`. Versions:"
    versions = {"atp_ray": manifest.get("atp_ray"), "python": manifest.get("python"), **manifest.get("packages", {})}
    yield ", ".join(f"{name} {found}" for name, found in versions.items() if found)
    yield "## Cite"
    yield CITATION


def _terms(manifest: Mapping[str, Any]) -> Iterator[str]:
    if _own_scenarios(manifest):
        yield "The scenarios are MIT, as atp_ray itself."
    else:
        yield "The prompts or problems were imported: the terms of their source apply to them."
    if _own_players(manifest):
        yield "So are the policies, fitted responses and the embedded checkpoint that played."
    else:
        yield "The replies were written by the checkpoints above: the terms of each of them apply to what it wrote."


def _datasets_table(run_dir: Path, manifest: Mapping[str, Any]) -> str:
    written = written_tables(run_dir)
    lines = ["| configuration | rows | a row is |", "| --- | ---: | --- |"]
    for config in card_data(manifest, shares=_has_shares(run_dir, manifest))["configs"]:
        name = config["config_name"]
        rows = _rows(run_dir, name) if name in written else 0
        lines.append(f"| `{name}` | {rows:,} | {ROW_OF.get(name, '')} |")
    return "\n".join(lines)


def _has_shares(run_dir: Path, manifest: Mapping[str, Any]) -> bool:
    """Return whether a run has shares of options, or will have them."""
    room = str(_grid(manifest).get("paradigm", DEFAULT))
    return paradigm(room).environment.tells_shares or "shares" in written_tables(run_dir)


def _rows(run_dir: Path, name: str) -> int:
    try:
        return sum(pq.read_metadata(file).num_rows for file in table_files(run_dir, name))
    except (OSError, ValueError) as error:  # an ArrowInvalid is a ValueError
        hint = "Delete the file and --resume the run"
        raise StorageError(f"{name} cannot be read: {error}", str(run_dir / name), hint) from error


def _size(n_decisions: int | None) -> str | None:
    if n_decisions is None:
        return None
    return next((name for name, bound in LARGEST.items() if n_decisions < bound), "10M<n<100M")


def _own_players(manifest: Mapping[str, Any]) -> bool:
    return all(
        profile.get("kind") in MODELLESS_KINDS or profile.get("embedded") for profile in _checkpoints(manifest).values()
    )


def _own_scenarios(manifest: Mapping[str, Any]) -> bool:
    grid = _grid(manifest)
    return not str(grid.get("scenarios", "")).startswith(UPSTREAM_PREFIX) and grid.get("pool", OWN_POOL) == OWN_POOL


def _grid(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    return manifest.get("grid") or {}


def _checkpoints(manifest: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    return manifest.get("checkpoints") or {}
