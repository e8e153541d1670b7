"""Read the project's YAML files into frozen pydantic models, with errors that name file, key and reason."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import yaml
from pydantic import AllowInfNan, BaseModel, ConfigDict, Field, Strict, ValidationError

from atp_ray.errors import UsageError, suggestion

# libyaml reads ten times as fast; a build of PyYAML without it has the other one only.
_YamlLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

ModelT = TypeVar("ModelT", bound=BaseModel)
# Numbers of a request: neither a truth value nor a text is one.
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict(), AllowInfNan(False)]


class Frozen(BaseModel):
    """Base of every configuration model: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def added(default: Any, description: str, **bounds: Any) -> Any:
    """Return a field that came later: at its default it is left out of the dump, so that older hashes stay the same."""
    return Field(default=default, exclude_if=lambda value: value == default, description=description, **bounds)


class Foreign(BaseModel):
    """Base of somebody else's file format: keys that are not used are allowed, keys that are used are checked."""

    model_config = ConfigDict(frozen=True, extra="ignore")


@cache
def configs_dir() -> Path:
    """Return the folder `configs/` that lies beside the `atp_ray` package."""
    return Path(__file__).resolve().parent.parent / "configs"


def config_names(kind: str) -> list[str]:
    """Return the sorted names of the YAML files in `configs/<kind>/`, without their ending."""
    return sorted(path.stem for path in (configs_dir() / kind).glob("*.yaml"))


def parse_yaml(text: str) -> Any:
    """Parse YAML.

    Raises:
        yaml.YAMLError: it is none; also what looks like a date and is none (2026-13-45), or is nested too deep.
    """
    try:
        return yaml.load(text, _YamlLoader)
    except (ValueError, RecursionError) as error:
        raise yaml.MarkedYAMLError(problem=str(error)) from error


def load_yaml(path: Path) -> Any:
    """Parse one YAML file.

    Raises:
        UsageError: the file is missing, unreadable or not YAML.
    """
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot be read: {reason}", str(path), "Check the path") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or "syntax error"
        raise UsageError(f"is not valid YAML: {problem}", where, "Fix the syntax at that line") from error


def parse_model(model: type[ModelT], data: Any, where: str) -> ModelT:
    """Validate `data` as `model`; `where` names the file or option in the error.

    Raises:
        UsageError: with the first offending key and, for an unknown key, the nearest known one.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _as_usage_error(model, error, where) from error


def shown_place(location: Sequence[int | str]) -> str:
    """Return where in its data an error is, without the parts with a hyphen.

    Such a part is which of several kinds of value pydantic tried (`constrained-int`).
    """
    return ".".join(str(part) for part in location if "-" not in str(part))


def _as_usage_error(model: type[BaseModel], error: ValidationError, where: str) -> UsageError:
    # A misspelt key is both unknown and missing: the unknown one says what was written.
    errors = error.errors()
    first = next((found for found in errors if found["type"] == "extra_forbidden"), errors[0])
    if first["type"] == "extra_forbidden":
        unknown = ".".join(str(part) for part in first["loc"])
        return UsageError(f"unknown key '{unknown}'", where, suggestion(unknown, model.model_fields))
    key = shown_place(first["loc"])
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    hint = None if first["type"] in ("value_error", "missing") else f"Given: {first['input']!r}"
    return UsageError(f"{key}: {message}" if key else message, where, hint)


def load_config(kind: str, name: str, model: type[ModelT], noun: str | None = None) -> ModelT:
    """Load `configs/<kind>/<name>.yaml`, or the YAML file that `name` is the path of.

    Args:
        noun: what such a file is called in the error.

    Raises:
        UsageError: nothing of that name (with a suggestion), or the file is invalid.
    """
    path = config_path(kind, name, noun)
    return parse_model(model, load_yaml(path), str(path))


def config_path(kind: str, name: str, noun: str | None = None) -> Path:
    """Return the path of `configs/<kind>/<name>.yaml`, or of the YAML file that `name` is the path of.

    Raises:
        UsageError: nothing of that name (with a suggestion).
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else configs_dir() / kind / f"{name}.yaml"
    if not path.exists():
        called = noun or kind.partition("/")[0].removesuffix("s")
        raise UsageError(f"unknown {called} '{name}'", hint=suggestion(name, config_names(kind)))
    return path


class Setting(NamedTuple):
    """One `key=value` of the command line: its first key, the rest after a dot, and the value as YAML."""

    key: str
    rest: str
    value: Any

    def put(self, data: dict[str, Any]) -> None:
        """Write the value into `data`, one level deep.

        Raises:
            UsageError: a dot after a key that holds a plain value.
        """
        if not self.rest:
            data[self.key] = self.value
            return
        inner = data.get(self.key) or {}
        if not isinstance(inner, dict):
            raise UsageError(f"'{self.key}' has no keys of its own", "--set", f"Example: --set {self.key}=VALUE")
        data[self.key] = {**inner, self.rest: self.value}


def parse_setting(text: str, model: type[BaseModel]) -> Setting:
    """Read `key=value` for a field of `model`; a dot reaches into a nested one.

    Raises:
        UsageError: not of that form, or no such key (with a suggestion).
    """
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not key:
        raise UsageError(f"'{text}' is not key=value", "--set", "Give --set KEY=VALUE, a key of the YAML file")
    first, _, rest = key.partition(".")
    if first not in model.model_fields:
        raise UsageError(f"unknown key '{first}'", "--set", suggestion(first, model.model_fields))
    return Setting(first, rest, parse_value(value, key))


def parse_value(text: str, key: str) -> Any:
    """Read the value of a setting, or a part of one.

    Raises:
        UsageError: it is no YAML.
    """
    try:
        return parse_yaml(text)
    except yaml.YAMLError as error:
        raise UsageError(f"'{text}' is not a YAML value", f"--set {key}", "Quote it") from error
