"""Secrets of the driver's environment on their way to other nodes.

They travel as arguments of actors, which no list, log or dashboard of Ray shows; a runtime environment is shown.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

NAMES = (
    "HF_TOKEN", "OPENAI_API_KEY", "WANDB_API_KEY", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3",
)  # fmt: skip


AWS_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")  # worth something together only


@dataclass(frozen=True)
class Tokens:
    """Environment variables that nobody may read by accident."""

    values: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def install(self) -> None:
        """Set what this process's environment does not have."""
        own_keys = any(name in os.environ for name in AWS_KEYS)
        for name, value in self.values:
            if not (own_keys and name in AWS_KEYS):
                os.environ.setdefault(name, value)


def driver_tokens(more: Iterable[str] = ()) -> Tokens:
    """Return the tokens of this process's environment, and that of a Hugging Face login.

    Args:
        more: further variables, such as an endpoint's `api_key_env`.
    """
    # The driver has the hub's library loaded anyway; agents, who import this module too, do without it.
    from huggingface_hub import get_token

    found = {name: os.environ[name] for name in dict.fromkeys([*NAMES, *AWS_KEYS, *more]) if os.environ.get(name)}
    if token := get_token():
        found.setdefault("HF_TOKEN", token)
    return Tokens(tuple(found.items()))
