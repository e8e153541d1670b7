"""The commands that files show a person: found in scripts, YAML and pages, and read by the commands' own parsers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from atp_ray.__main__ import COMMANDS
from atp_ray.cli.parsing import parse_options

OURS = re.compile(r"\b(?:python -m atp_ray\.|atp-ray )([a-z_-]+)(.*)")
RAY = re.compile(
    r"(?:^|[\s(/])ray (start|stop|up|down|attach|exec|job submit|symmetric-run|get-auth-token|status)\b(.*)"
)
FENCE = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)


def shell_blocks(markdown: str) -> str:
    """Return the shell of a page's fenced blocks."""
    return "\n".join(FENCE.findall(markdown))


def our_commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield every command of the project in a text as its name and its words."""
    for line in _simple_commands(text):
        for name, rest in OURS.findall(line):
            yield name.replace("_", "-"), _words(rest)


def ray_commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield every command of Ray in a text as its name and its words."""
    for line in _simple_commands(text):
        for name, rest in RAY.findall(line):
            yield name, _words(rest)


def parse_ours(name: str, words: list[str]) -> Any:
    """Return the options that a command of the project reads from these words."""
    module = import_module(f"atp_ray.{name.replace('-', '_')}.options")
    return parse_options(getattr(module, COMMANDS[name]), words, name)


def parse_rays(name: str, words: list[str]) -> None:
    """Let Ray's own command line read these words, and run nothing."""
    from ray.scripts.scripts import cli

    own = words[: words.index("--")] if "--" in words else list(words)
    if name == "symmetric-run":  # takes the flags of `ray start`, which it does not check itself
        _without(own, "--min-nodes")
        name = "start"
    command: Any = cli
    for part in name.split():
        command = command.commands[part]
    needs_entrypoint = name == "job submit"
    command.make_context(f"ray {name}", [*own, *(["--", "true"] if needs_entrypoint else [])])


def _without(words: list[str], flag: str) -> None:
    at = words.index(flag)
    del words[at : at + 2]


def _simple_commands(text: str) -> list[str]:
    joined = re.sub(r"\\\n#?\s*", " ", text)
    # A line that is all comment may tell what to type; after a command a comment is none of its words.
    lines = [re.sub(r"\s#.*$", "", re.sub(r"^\s*#\s?", "", line)) for line in joined.splitlines()]
    return [part for line in lines for part in re.split(r";|&&|\|\||\||&$|>|`", line)]


def _words(rest: str) -> list[str]:
    """Split the words of a command; what closes the construct around it is none of them, a variable is a number."""
    text = rest.replace('"$@"', "").strip()
    if text.count("'") % 2:
        text = text.replace("'", "")
    return shlex.split(re.sub(r"\$\{?\w+\}?", "1", text.rstrip(")")))
