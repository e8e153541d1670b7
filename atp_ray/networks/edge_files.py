"""Files of links: CSV with two columns, or YAML with a list of pairs."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

from atp_ray.config_files import load_yaml, parse_model
from atp_ray.errors import UsageError
from atp_ray.networks.kinds import EdgeList, NetworkKind

_HINT = "Write one link a line: 0,5 in a .csv file, - [0, 5] in a .yaml file"


def opened(network: NetworkKind) -> NetworkKind:
    """Return the network with the links of its file in place of the file's name; any other network as it is.

    Raises:
        UsageError: the file cannot be read, or holds no links.
    """
    if not isinstance(network, EdgeList) or network.file is None:
        return network
    path = Path(network.file)
    links = _from_yaml(path) if path.suffix in (".yaml", ".yml") else _from_csv(path)
    if not links:
        raise UsageError("holds no links", str(path), _HINT)
    name = network.name or re.sub(r"[^\w.-]+", "-", path.stem).strip("-")[:60]
    return parse_model(EdgeList, {"name": name, "links": links}, str(path))


def _from_yaml(path: Path) -> list[Any]:
    found = load_yaml(path)
    if not isinstance(found, list):
        raise UsageError("is not a list of links", str(path), _HINT)
    return found


def _from_csv(path: Path) -> list[tuple[int, ...]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(reader.line_num, row) for reader in [csv.reader(file)] for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"cannot be read: {error}", str(path), "Check the path") from error
    links: list[tuple[int, ...]] = []
    for index, (line, row) in enumerate(rows):
        try:
            link = tuple(int(cell) for cell in row)
        except ValueError as error:
            if index == 0:
                continue  # a header
            raise UsageError(f"'{','.join(row)}' is no pair of seats", f"{path}:{line}", _HINT) from error
        if len(link) != 2:
            raise UsageError(f"'{','.join(row)}' is no pair of seats", f"{path}:{line}", _HINT)
        links.append(link)
    return links
