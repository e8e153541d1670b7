"""The flag `--track`, which training and sweeps share."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Annotated, Literal

from pydantic import BeforeValidator

from atp_ray.cli.options import Shown, one_as_several
from atp_ray.errors import UsageError

TrackerName = Literal["wandb", "mlflow"]
TrackerNames = Annotated[tuple[TrackerName, ...], BeforeValidator(one_as_several), Shown("{wandb,mlflow}")]


def require_installed(names: Iterable[TrackerName]) -> None:
    """Make sure that the libraries of trackers are there, without importing them.

    Raises:
        UsageError: one is not.
    """
    for name in names:
        if find_spec(name) is None:
            raise UsageError(f"the package {name} is not installed", "--track", f"pip install {name}")
