"""What the fields of a command's options say about themselves: their flags, subcommands, choices and bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo
from pydantic_settings import CliPositionalArg

from atp_ray.cli.options import Options, Shown


def shown(field: FieldInfo) -> Shown:
    """Return how help shows the field."""
    marks = [mark for mark in _marks(field) if isinstance(mark, Shown)]
    return marks[-1] if marks else Shown()  # the last is the field's own, those before it are its type's


def named_fields(model: type[Options]) -> dict[str, FieldInfo]:
    """Return the model's fields by the name a user knows: the alias of those whose own name is a word of Python."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def subcommands(model: type[Options]) -> dict[str, type[Options]]:
    """Return the options of each subcommand by its name; none where the model has flags of its own."""
    return {
        name: member
        for name, field in named_fields(model).items()
        for member in get_args(field.annotation)
        if isinstance(member, type) and issubclass(member, Options)
    }


def argument_fields(model: type[Options], prefix: str = "") -> dict[str, FieldInfo]:
    """Return the model's fields, and those of its subcommands, by the library's names for them."""
    if commands := subcommands(model):
        leaves = [argument_fields(leaf, f"{name}.") for name, leaf in commands.items()]
        return {key: field for leaf in leaves for key, field in leaf.items()}
    return {prefix + name: field for name, field in named_fields(model).items()}


def flags(model: type[Options]) -> list[str]:
    """Return every flag of the model."""
    return [flag(model, name) for name, field in named_fields(model).items() if not _is_positional(field)]


def flag(model: type[Options], name: str) -> str:
    """Return how the command line calls a field: `--name`, or `NAME` for one that goes without."""
    return name.upper() if _is_positional(named_fields(model)[name]) else f"--{name.replace('_', '-')}"


def choices(field: FieldInfo) -> list[str]:
    """Return the values that the field takes, if they are few and have names."""
    names = shown(field).names
    if names is not None:
        return list(names())
    literals = [part for part in _parts(field.annotation) if get_origin(part) is Literal]
    return [str(choice) for literal in literals for choice in get_args(literal)]


def number(field: FieldInfo) -> str:
    """Return what the number of a field has to be, as in `a whole number of at least 1`."""
    noun = "a whole number" if int in list(_parts(field.annotation)) else "a number"
    bounds = {Ge: "of at least {0.ge}", Gt: "above {0.gt}", Le: "of at most {0.le}", Lt: "below {0.lt}"}
    parts = [text.format(mark) for mark in _marks(field) for kind, text in bounds.items() if isinstance(mark, kind)]
    return " ".join([noun, " and ".join(parts)]) if parts else noun


def _is_positional(field: FieldInfo) -> bool:
    return any(mark in field.metadata for mark in get_args(CliPositionalArg[str])[1:])


def _marks(field: FieldInfo) -> Iterator[Any]:
    """Yield the marks of a field's annotation, those inside `... | None` included."""
    yield from field.metadata
    for part in _parts(field.annotation):
        for mark in getattr(part, "__metadata__", ()):
            yield from mark.metadata if isinstance(mark, FieldInfo) else [mark]


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    if get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            yield from _parts(part)
