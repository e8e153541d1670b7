"""What is wrong with a command line, as one line: the flag, what is wrong, what to do."""

from __future__ import annotations

import difflib
from argparse import ArgumentError
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from atp_ray.cli.fields import choices, flag, named_fields, number
from atp_ray.cli.options import Options
from atp_ray.errors import UsageError, suggestion

_HELP = "See --help"
_NUMBERS = ("int_", "float_", "greater_than", "less_than", "finite_number")


def unknown_argument(words: Sequence[str], flags: Sequence[str]) -> UsageError:
    """Return the error of words that no argument takes; it names the nearest of the flags."""
    for word in words:
        if word.startswith("-"):
            name = word.partition("=")[0]
            near = difflib.get_close_matches(name.strip("-"), [known.strip("-") for known in flags], n=1, cutoff=0.5)
            return UsageError("unknown flag", name, f"Did you mean '--{near[0]}'?" if near else _HELP)
    return UsageError(f"unexpected argument '{words[0]}'", hint=_HELP)


def unreadable_argument(error: ArgumentError) -> UsageError:
    """Return the error of a flag without its value, or of a subcommand there is not."""
    if error.argument_name is None:
        return missing_argument(error.message)
    if error.message.startswith("invalid choice"):
        word, names = error.message.split("'")[1], error.argument_name.strip("{}").split(",")
        return UsageError(f"unknown subcommand '{word}'", hint=suggestion(word, names))
    what = "takes no value" if error.message.startswith("ignored explicit") else "needs a value"
    return UsageError(what, error.argument_name, _HELP)


def missing_argument(message: str) -> UsageError:
    """Return the error of arguments that argparse found missing."""
    names = message.partition(": ")[2]
    return UsageError("is required", names, _HELP) if names else UsageError(message, hint=_HELP)


def wrong_value(
    error: ValidationError, model: type[Options], given: Mapping[str, Any], file: Path | None, *, nested: bool
) -> UsageError:
    """Return the error of the first value that pydantic refuses.

    Args:
        given: what the command line itself gave; the rest is from `file`.
        nested: whether the model is that of a subcommand.
    """
    first = error.errors()[0]
    path = [str(part) for part in first["loc"][nested:]]
    message = first["msg"].removeprefix("Value error, ")
    if not path:
        return UsageError(message)
    name, value, kind = path[0], first["input"], first["type"]
    where = flag(model, name)
    if file is not None and name not in given and kind != "missing":
        where = f"{file}: {name.replace('_', '-')}"
    field = named_fields(model)[name]
    known = choices(field)
    if kind == "missing":
        return UsageError("is required", where, f"Use one of {', '.join(known)}" if known else _HELP)
    if kind == "value_error":
        return UsageError(message.rstrip("."), where)
    if kind == "literal_error":
        return UsageError(f"unknown value '{value}'", where, suggestion(str(value), known))
    if kind.startswith(_NUMBERS):
        return UsageError(f"'{value}' is not {number(field)}", where)
    return UsageError(f"{message[0].lower()}{message[1:]}", where, f"Given: {value!r}")
