"""Parse a command line, and the YAML file it may name, into the frozen model of a command's options."""

from __future__ import annotations

import json
from argparse import Action, ArgumentError, ArgumentParser, HelpFormatter, Namespace, _ArgumentGroup
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import CliSettingsSource

from atp_ray.cli.errors import missing_argument, unknown_argument, unreadable_argument, wrong_value
from atp_ray.cli.fields import argument_fields, flags, named_fields, shown, subcommands
from atp_ray.cli.options import CommandOptions, Options
from atp_ray.config_files import load_yaml
from atp_ray.errors import UsageError, suggestion

OptionsT = TypeVar("OptionsT", bound=Options)


def parse_options(model: type[OptionsT], argv: Sequence[str], prog: str) -> OptionsT:
    """Return the options that a command line and the file of its --config give; `prog` is how help calls the command.

    Raises:
        UsageError: an unknown flag or subcommand, or a value that is none; names the flag.
    """
    parser = _Parser(prog=prog, description=model.__doc__, formatter_class=_Help, allow_abbrev=False)
    source = CliSettingsSource[Any](
        model,
        root_parser=parser,
        parse_args_method=_parser_of(model),
        add_argument_method=_Arguments(model).add,
        formatter_class=_Help,
    )
    try:
        values = source(args=_with_command(model, argv))()
    except ArgumentError as error:
        raise unreadable_argument(error) from error
    chosen, leaf = _chosen(model, values)
    given = values if chosen is None else values[chosen]
    file = Path(given["config"]) if given.get("config") else None
    merged = given if file is None else _from_file(leaf, file) | given
    try:
        return model.model_validate(merged if chosen is None else {chosen: merged} | _others(model, chosen))
    except ValidationError as error:
        raise wrong_value(error, leaf, given, file, nested=chosen is not None) from error


class _Help(HelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30)


class _Parser(ArgumentParser):
    """Raises what is wrong with an argument, where argparse prints its usage and leaves."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(exit_on_error=False, **settings)

    def error(self, message: str) -> NoReturn:
        raise missing_argument(message)


class _Arguments:
    """Adds the model's fields to a parser as the library asks, shown as their `Shown` says."""

    def __init__(self, model: type[Options]) -> None:
        self._fields = argument_fields(model)
        self._groups: dict[tuple[int, str], _ArgumentGroup] = {}

    def add(self, parser: ArgumentParser, *names: str, **settings: Any) -> Action:
        """Add one argument."""
        field = self._fields[settings.get("dest", names[0])]
        how = shown(field)
        settings["help"] = _help(field, settings["help"]).replace("%", "%%")  # argparse formats it
        if how.metavar is not None and "metavar" in settings:
            settings["metavar"] = how.metavar
        if how.heading is None:
            return parser.add_argument(*names, **settings)
        key = (id(parser), how.heading)
        if key not in self._groups:
            self._groups[key] = parser.add_argument_group(how.heading)
        return self._groups[key].add_argument(*names, **settings)


def _help(field: FieldInfo, text: str) -> str:
    """Return the library's help with the names that the flag takes, and without a default that says nothing."""
    description, names = field.description or "", shown(field).names
    listed = f": {', '.join(names())}" if names is not None else ""
    if field.is_required():
        return description + listed + text.removeprefix(description)
    if field.default is None or field.default is False or field.default == ():
        return description + listed
    values = field.default if isinstance(field.default, tuple) else [field.default]
    return f"{description}{listed} (default: {', '.join(map(str, values))})"


def _parser_of(model: type[Options]) -> Any:
    """Return what parses words for the library.

    It hands each repeated flag over as JSON: the library would split the values at commas.
    """

    def parse(parser: ArgumentParser, args: Sequence[str]) -> Namespace:
        namespace, unknown = parser.parse_known_args(args)
        values = vars(namespace)
        if unknown:
            leaf = subcommands(model).get(str(values.get(":subcommand")), model)
            raise unknown_argument(unknown, flags(leaf))
        lists = {key: json.dumps(value) for key, value in values.items() if isinstance(value, list)}
        return Namespace(**values | lists)

    return parse


def _with_command(model: type[Options], argv: Sequence[str]) -> list[str]:
    """Return the words of a command line with the subcommand that is meant where none is named."""
    if model.default_command is None or (argv and argv[0] in ("-h", "--help", *subcommands(model))):
        return list(argv)
    return [model.default_command, *argv]


def _chosen(model: type[Options], values: Mapping[str, Any]) -> tuple[str | None, type[Options]]:
    """Return the subcommand that was chosen with the model of its options, or None with the model itself.

    Raises:
        UsageError: there are subcommands and none was chosen.
    """
    commands = subcommands(model)
    if not commands:
        return None, model
    for name, options in commands.items():
        if values.get(name) is not None:
            return name, options
    raise UsageError("no subcommand given", hint=f"Use one of {', '.join(commands)}")


def _others(model: type[Options], chosen: str) -> dict[str, None]:
    return {name: None for name in subcommands(model) if name != chosen}


def _from_file(model: type[Options], path: Path) -> dict[str, Any]:
    """Return the values of a YAML file by field.

    Raises:
        UsageError: it cannot be read, or has a key that is no flag (with a suggestion).
    """
    data = load_yaml(path)
    if not isinstance(data, dict | None):
        raise UsageError("is not a list of flags and values", str(path), "Write lines such as `rounds: 3`")
    known = named_fields(model).keys() - CommandOptions.model_fields.keys()
    values = {}
    for key, value in (data or {}).items():
        name = str(key).replace("-", "_")
        if name not in known:
            raise UsageError(f"unknown key '{key}'", str(path), suggestion(name, known).replace("_", "-"))
        values[name] = value
    return values
