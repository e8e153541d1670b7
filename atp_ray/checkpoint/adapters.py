"""LoRA adapters as PEFT saves them: what base they are for, and whether they fit a given one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from atp_ray.config_files import Foreign, parse_model
from atp_ray.errors import UsageError

ADAPTER_CONFIG = "adapter_config.json"


class AdapterConfig(Foreign):
    """What serving needs to know of `adapter_config.json`."""

    r: int
    peft_type: str = "LORA"
    base_model_name_or_path: str | None = None


def read_adapter(folder: Path) -> AdapterConfig:
    """Return an adapter's configuration.

    Raises:
        UsageError: the folder holds no readable LoRA adapter.
    """
    path = folder / ADAPTER_CONFIG
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError("is not a LoRA folder", str(folder), f"It needs {ADAPTER_CONFIG}, as PEFT saves it") from error
    config = parse_model(AdapterConfig, data, str(path))
    if config.peft_type != "LORA":
        raise UsageError(f"is an adapter of type {config.peft_type}", str(path), "vLLM serves LoRA adapters")
    return config


def require_fit(adapter: Path, source: str) -> None:
    """Check that an adapter was trained for the base `source`, as far as its files tell.

    With a local base its layers are compared with the adapter's; a base on the hub is compared by its name.

    Raises:
        UsageError: it is for another base.
    """
    config = read_adapter(adapter)
    hint = "Name the base it was trained on, or train one for this base: python -m atp_ray.align dpo"
    base = Path(source) / "config.json"
    if not base.is_file():
        named = config.base_model_name_or_path
        if named and named != source and not Path(named).exists():
            raise UsageError(f"the adapter is for {named}, not for {source}", str(adapter), hint)
        return
    data: dict[str, Any] = json.loads(base.read_text(encoding="utf-8"))
    hidden, layers = data.get("hidden_size"), data.get("num_hidden_layers")
    widths, numbers = _shapes(adapter)
    if hidden is not None and widths and widths != {hidden}:
        found = f"{sorted(widths)[0]} wide, the base {hidden}"
        raise UsageError(f"the adapter is for another base: its layers are {found}", str(adapter), hint)
    if layers is not None and numbers and max(numbers) >= layers:
        found = f"at least {max(numbers) + 1} layers, the base {layers}"
        raise UsageError(f"the adapter is for another base: it has {found}", str(adapter), hint)


def _shapes(adapter: Path) -> tuple[set[int], set[int]]:
    """Return the input widths of the attention's projections, and the numbers of the layers, of an adapter."""
    # Imported here: only an adapter beside a local base needs it.
    from safetensors import safe_open

    widths, numbers = set[int](), set[int]()
    weights = adapter / "adapter_model.safetensors"
    if not weights.is_file():
        return widths, numbers
    with safe_open(weights, framework="np") as tensors:
        for key in tensors.keys():  # noqa: SIM118  # not a dict
            parts = key.split(".")
            if "layers" in parts:
                numbers.add(int(parts[parts.index("layers") + 1]))
            if "q_proj.lora_A" in key:
                widths.add(tensors.get_slice(key).get_shape()[1])
    return widths, numbers
