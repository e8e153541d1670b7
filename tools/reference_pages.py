"""Two pages of the documentation that are made, not written: a hook of MkDocs.

The page of the commands holds what each one prints for `--help`; the page of the HTTP API is the OpenAPI document as
tables. Both are made anew in every build, so neither can fall behind the code.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout, suppress
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from atp_ray.__main__ import options_of, package_of
from atp_ray.cli.parsing import parse_options
from serve_deployments.simulation_api.access import Access
from serve_deployments.simulation_api.app import build_app

# Every command, and the subcommands of those that have some.
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "sweep": (),
    "simulate": (),
    "serve": (),
    "foresight": ("fit", "predict", "interventions", "rates"),
    "report": ("show", "export", "compare", "power"),
    "align": ("pairs", "dpo", "grpo", "export", "import"),
    "checkpoints": ("list", "card", "build"),
    "tipping-demo": (),
}
WIDTH = "100"
ROUTES_INTRO = """# HTTP API

All routes of the service that `python -m atp_ray.serve` starts. The service itself offers the same as `/openapi.json`.
[Live simulations](../live.md) explains how they work together.

Every error is a problem document (RFC 9457) with the media type `application/problem+json`. Its `detail` says in one
line what is wrong, where, and what to do.

| status | meaning |
| --- | --- |
| `401`, `403` | a token is missing, or may only read |
| `404` | no such simulation |
| `409` | not possible in the present state, for example deleting a simulation that has branches |
| `422` | the request is not valid, for example a field that does not belong to the paradigm |
| `429` | too many changes in a short time |
| `503` | the service is being restarted; retry |
"""
COMMANDS_INTRO = """# Commands

`atp-ray COMMAND` and `python -m atp_ray.COMMAND` are the same. `--config FILE.yaml` reads the options of a command from
a file. Errors a user can correct are one line on standard error and exit code 2, for example a field that does not
belong to the paradigm; an interrupt is exit code 130.
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the two pages."""
    files.append(File.generated(config, "reference/commands.md", content=commands_page()))
    files.append(File.generated(config, "reference/http_api.md", content=http_page()))
    return files


def commands_page() -> str:
    """Return the page of the commands."""
    parts = [COMMANDS_INTRO]
    for command, subcommands in COMMANDS.items():
        parts.append(f"## {command}\n\n```text\n{_help(command)}\n```\n")
        parts += [f"### {command} {name}\n\n```text\n{_help(command, name)}\n```\n" for name in subcommands]
    return "\n".join(parts)


def http_page() -> str:
    """Return the page of the HTTP API."""
    document = build_app(None, Access()).openapi()  # type: ignore[arg-type]  # no request is answered
    return "\n".join([ROUTES_INTRO, *_routes(document), "## Models", "", *_models(document)])


def _help(*words: str) -> str:
    """Return what a command prints for `--help`."""
    command, *rest = words
    os.environ["COLUMNS"] = WIDTH
    printed = io.StringIO()
    with redirect_stdout(printed), suppress(SystemExit):
        parse_options(options_of(command), [*rest, "--help"], f"python -m {package_of(command)}")
    return printed.getvalue().strip()


def _routes(document: Mapping[str, Any]) -> Iterator[str]:
    routes = [(path, method, route) for path, methods in document["paths"].items() for method, route in methods.items()]
    yield from ("## Routes", "", "| route | what it does |", "| --- | --- |")
    for path, method, route in routes:
        yield f"| [`{method.upper()} {path}`](#{route['operationId']}) | {_cell(route.get('description', ''))} |"
    for path, method, route in routes:
        yield from ("", f"### `{method.upper()} {path}` {{ #{route['operationId']} }}", "")
        yield route.get("description", "")
        body = route.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if body is not None:
            yield from ("", f"Body: {_type(body)}")
        if parameters := route.get("parameters"):
            yield from ("", "| parameter | in | type | meaning |", "| --- | --- | --- | --- |")
        for each in parameters or ():
            words = (f"`{each['name']}`", each["in"], _type(each["schema"]), _cell(each.get("description", "")))
            yield f"| {' | '.join(words)} |"
        answers = ", ".join(f"`{status}`{_answer(answer)}" for status, answer in route["responses"].items())
        yield from ("", f"Answers: {answers}")
    yield ""


def _answer(answer: Mapping[str, Any]) -> str:
    """Return what a good answer holds."""
    schemas = [media.get("schema", {}) for media in answer.get("content", {}).values()]
    named = [_type(schema) for schema in schemas if "$ref" in schema]
    return f" {named[0]}" if named else ""


def _models(document: Mapping[str, Any]) -> Iterator[str]:
    for name, model in sorted(document["components"]["schemas"].items()):
        if not model.get("properties"):
            continue
        yield from (f"### {name} {{ #{name} }}", "", model.get("description", ""), "")
        yield from ("| field | type | default | meaning |", "| --- | --- | --- | --- |")
        required = model.get("required", ())
        for key, field in model["properties"].items():
            default = (
                "required" if key in required else f"`{json.dumps(field['default'])}`" if "default" in field else ""
            )
            yield f"| `{key}` | {_type(field)} | {_cell(default)} | {_cell(field.get('description', ''))} |"
        yield ""


def _type(schema: Mapping[str, Any]) -> str:
    """Return a schema in a few words, with its bounds; a model as a link to its table."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})"
    if options := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return " or ".join(dict.fromkeys(_type(option) for option in options))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    kind = str(schema.get("type", "any"))
    if kind == "array":
        items = schema.get("items")
        return f"list of {_type(items)}" if items else "list"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return kind + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
        "maxLength": "length at most",
        "pattern": "pattern",
    }
    found = [f"{text} `{_plain(schema[key])}`" for key, text in words.items() if key in schema]
    return f" ({', '.join(found)})" if found else ""


def _plain(value: Any) -> str:
    """Return a value of the document as JSON, whole numbers without a decimal point."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else value if isinstance(value, str) else json.dumps(value)


def _cell(text: str) -> str:
    """Return text that fits in a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")
