"""One string names a checkpoint everywhere; this module turns it into a frozen profile.

`tiny`, a YAML name from configs/checkpoints, a training run (`runs/NAME` or `NAME`), a local folder (a checkpoint or a
LoRA adapter), either of the two in an object store (`s3://`, `gs://`), a Hugging Face id (`org/name`), `openai:MODEL`
for any compatible endpoint, `policy:NAME` for a player without a language model, or `policy:fitted:FILE` for a fitted
response.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from atp_ray.alignment.training_runs import find_training_run, read_training_run, trained_checkpoint, training_runs
from atp_ray.checkpoint.adapters import ADAPTER_CONFIG, read_adapter, require_fit
from atp_ray.checkpoint.folders import require_loadable
from atp_ray.checkpoint.profiles import EndpointProfile, FittedProfile, ModelProfile, PolicyProfile, Profile
from atp_ray.checkpoint.scope import load_scope
from atp_ray.config_files import config_names, configs_dir, load_yaml, parse_model
from atp_ray.errors import UsageError, suggestion
from atp_ray.paradigms.registry import paradigm
from atp_ray.storage.fetched import checkpoint_copy
from atp_ray.storage.places import is_address

POLICIES = ("quantal", "collude", "refrain")
FITTED = "fitted:"
_FIT_IT = "Give a file that `foresight fit RUN` wrote"


def resolve_checkpoint(name: str, base_url: str | None = None) -> Profile:
    """Return the profile that `name` stands for, its folder found and its weights identified.

    Args:
        base_url: endpoint of an `openai:` checkpoint; the environment's OPENAI_BASE_URL otherwise.

    Raises:
        UsageError: nothing of that name (with a suggestion), an unfinished training run, an adapter for another base.
    """
    if name.startswith("policy:"):
        return _policy(name)
    if name.startswith("openai:"):
        return _endpoint(name, base_url)
    if is_address(name):
        return _fetched(name)
    path = configs_dir() / "checkpoints" / f"{name}.yaml"
    if path.exists():
        data = load_yaml(path)
        if isinstance(data, dict) and data.get("kind") == "openai":
            return parse_model(EndpointProfile, data, str(path))
        return _identified(parse_model(ModelProfile, data, str(path)), path)
    if (run := find_training_run(name)) is not None:
        return _trained(run)
    if (Path(name) / ADAPTER_CONFIG).exists():
        return _adapted(name)
    if (Path(name) / "config.json").exists():
        require_loadable(Path(name))
        return _identified(_folder_profile(name), Path(name))
    if name.count("/") == 1 and not Path(name).exists() and not name.startswith((".", "/", "runs/")):
        return ModelProfile(name=name, source=name)
    raise UsageError(f"unknown checkpoint '{name}'", "--checkpoint", _advice(name))


def resolve_checkpoints(names: Iterable[str], base_url: str | None) -> dict[str, Profile]:
    """Return the profile of each checkpoint by the name it was asked for.

    Raises:
        UsageError: as `resolve_checkpoint`.
    """
    profiles = {name: resolve_checkpoint(name, base_url) for name in names}
    require_distinct(profiles)
    return profiles


def require_distinct(profiles: Mapping[str, Profile]) -> None:
    """Refuse checkpoints that would bear one name in tables and engines.

    Raises:
        UsageError: names both.
    """
    asked: dict[str, str] = {}
    for name, profile in profiles.items():
        if (other := asked.setdefault(profile.name, name)) != name:
            hint = "Rename the folder of one of the runs"
            raise UsageError(f"'{other}' and '{name}' are both called '{profile.name}'", "--checkpoint", hint)


def model_profile(name: str, base_url: str | None = None) -> ModelProfile:
    """Return the profile of a checkpoint whose weights are here or on the hub.

    Raises:
        UsageError: as `resolve_checkpoint`, or it is an endpoint or a policy.
    """
    profile = resolve_checkpoint(name, base_url)
    if not isinstance(profile, ModelProfile):
        raise UsageError("has no weights here", name, "Use tiny, a name from configs/checkpoints, a folder or a hub id")
    return profile


def _policy(name: str) -> PolicyProfile | FittedProfile:
    policy = name.removeprefix("policy:")
    if policy.startswith(FITTED):
        return _fitted(name, Path(policy.removeprefix(FITTED)))
    if policy not in POLICIES:
        known = [*(f"policy:{known}" for known in POLICIES), f"policy:{FITTED}FILE"]
        raise UsageError(f"unknown checkpoint '{name}'", "--checkpoint", suggestion(name, known))
    return parse_model(PolicyProfile, {"name": name, "policy": policy}, name)


def _fitted(name: str, path: Path) -> FittedProfile:
    try:
        text = path.read_text(encoding="utf-8")
        told = json.loads(text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no JSON"
        raise UsageError(f"cannot be read: {reason}", str(path), _FIT_IT) from error
    of = told.get("paradigm") if isinstance(told, dict) else None
    if not isinstance(of, str):
        what = "is no response that plays episodes"
        raise UsageError(what, str(path), _FIT_IT)
    paradigm(of).responding.read(text, str(path))  # a damaged one is refused here, and not by every agent
    return FittedProfile(name=name, revision=hashlib.sha256(text.encode()).hexdigest(), paradigm=of, response=text)


def _endpoint(name: str, base_url: str | None) -> EndpointProfile:
    url = base_url or os.environ.get("OPENAI_BASE_URL")
    if not url:
        raise UsageError("needs the endpoint's address", name, "Give --base-url URL or set OPENAI_BASE_URL")
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"'{url}' is not an http address", "--base-url", "Example: http://127.0.0.1:8000/v1")
    return EndpointProfile(name=name, model=name.removeprefix("openai:"), base_url=url)


def _advice(name: str) -> str:
    """Return what to do about an unknown name: train it, or the nearest known one."""
    path = configs_dir() / "training" / f"{name}.yaml"
    if path.exists():
        return f"Train it: python -m atp_ray.align {load_yaml(path)['method']} --profile {name}"
    runs = [run.name for run in training_runs()]
    return suggestion(name, [*config_names("checkpoints"), *runs, *(f"policy:{policy}" for policy in POLICIES)])


def _trained(folder: Path) -> ModelProfile:
    """Return what a training run made of its base: served, sampled and labelled as the base is."""
    run = read_training_run(folder)
    result = str(trained_checkpoint(folder))
    trained = {"name": run.name, **({"adapter": result} if run.adapter else {"source": result, "adapter": None})}
    base = model_profile(run.base)
    if base.revision != run.base_revision:
        hint = f"Train it again, or restore {run.base} as it was"
        raise UsageError("was trained on other weights than its base has now", str(folder), hint)
    return _identified(base.model_copy(update={**trained, "revision": ""}), folder)


def _fetched(address: str) -> Profile:
    """Return the profile of what is at an address in an object store, as if its copy on this machine had been named.

    In tables and engines it is called `s3/BUCKET/PATH`: a colon would divide a base from its adapter there.
    """
    folder = checkpoint_copy(address)
    if not any((folder / name).exists() for name in ("run.json", ADAPTER_CONFIG, "config.json")):
        raise UsageError("holds no checkpoint", address, f"It needs config.json, {ADAPTER_CONFIG} or run.json")
    profile = resolve_checkpoint(str(folder))
    return profile.model_copy(update={"name": address.replace("://", "/")}) if profile.name == str(folder) else profile


def _adapted(name: str) -> ModelProfile:
    """Return the profile of a folder that holds a LoRA adapter; its base is the one it names."""
    folder = Path(name).resolve()
    base = read_adapter(folder).base_model_name_or_path
    if not base:
        raise UsageError("does not name its base model", f"{name}/{ADAPTER_CONFIG}", "Add base_model_name_or_path")
    adapted = {"name": name, "adapter": str(folder), "revision": ""}
    return _identified(_base_of_adapter(base).model_copy(update=adapted), folder)


def _base_of_adapter(base: str) -> ModelProfile:
    """Return the shipped profile of the weights an adapter names, else the weights as they are."""
    for name in config_names("checkpoints"):
        data = load_yaml(configs_dir() / "checkpoints" / f"{name}.yaml")
        if isinstance(data, dict) and data.get("source") and _located(data["source"]) == _located(base):
            return model_profile(name)
    return model_profile(base)


def _identified(profile: ModelProfile, where: Path) -> ModelProfile:
    source = _located(profile.source)
    adapter = _located(profile.adapter) if profile.adapter else None
    if profile.source.startswith((".", "/")) and not (Path(source) / "config.json").exists():
        raise UsageError(f"source '{profile.source}' is not a checkpoint folder", str(where), "It needs config.json")
    if adapter is not None:
        require_fit(Path(adapter), source)
    folders = [Path(folder) for folder in (source, adapter) if folder and Path(folder).is_dir()]
    revision = profile.revision or (_digest(folders) if folders else profile.hub_revision)
    return profile.model_copy(update={"source": source, "adapter": adapter, "revision": revision})


def _folder_profile(name: str) -> ModelProfile:
    """Return the profile of a local folder; what was trained from a small checkpoint is run and labelled as that is."""
    source = str(Path(name).resolve())
    if (scope := load_scope(Path(name))) is None:
        return ModelProfile(name=name, source=source)
    path = configs_dir() / "checkpoints" / f"{scope.checkpoint}.yaml"
    return parse_model(ModelProfile, load_yaml(path) | {"name": name, "source": source}, str(path))


def _located(source: str) -> str:
    """Return the absolute path of a folder that a profile names, in the project or not; a hub id as it is.

    What the user typed is absolute by now.
    """
    folders = (configs_dir().parent / source, Path(source))
    return next((str(folder.resolve()) for folder in folders if folder.is_dir()), source)


def _digest(folders: list[Path]) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.glob("*")):
            if path.suffix in (".json", ".safetensors", ".jinja"):
                digest.update(path.name.encode())
                with path.open("rb") as stream:
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:16]
