"""Whether a local folder is a checkpoint that an engine can load, found out before one is started."""

from __future__ import annotations

import json
from pathlib import Path

from atp_ray.errors import UsageError

WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.gguf")


def require_loadable(folder: Path) -> None:
    """Check a folder's configuration and that there are weights beside it.

    Raises:
        UsageError: the configuration is none that transformers knows, or there are no weights.
    """
    config = folder / "config.json"
    try:
        described = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot be read: {error}", str(config), "Save the checkpoint again") from error
    if not any(found for pattern in WEIGHTS for found in folder.glob(pattern)):
        raise UsageError("holds no weights", str(folder), f"It needs one of {', '.join(WEIGHTS)}")
    if not isinstance(described, dict) or described.get("auto_map"):
        return  # its own code decides; an engine runs that only where it is told to
    # Imported here: only a folder of the user's own pays for it.
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig

    try:
        AutoConfig.from_pretrained(folder)
    except (ValueError, KeyError, OSError, TypeError, StrictDataclassError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        hint = "Is it the right folder, and transformers new enough for this model?"
        raise UsageError(f"is no configuration that can be loaded: {reason}", str(config), hint) from error
