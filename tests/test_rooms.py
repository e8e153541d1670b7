"""Outside its room nobody asks which paradigm is played, and nobody enters the room but through the registry."""

import ast
import re
from pathlib import Path

import pytest

from atp_ray.config_files import configs_dir
from atp_ray.paradigms.registry import ROOMS

ROOT = configs_dir().parent
FOLDERS = ("atp_ray", "actors", "serve_deployments", "tune_sweeps")
# Only a file that has a paradigm's name as a text, or the path of a room, can break the rule.
SUSPECT = re.compile(rf"""["'](?:{"|".join(ROOMS)})["']|{"|".join(map(re.escape, ROOMS.values()))}""")


def modules_outside(folder: str) -> list[Path]:
    rooms = [ROOT / package.replace(".", "/") for package in ROOMS.values()]
    return [path for path in sorted((ROOT / folder).rglob("*.py")) if not any(map(path.is_relative_to, rooms))]


def named(nodes: list[ast.AST]) -> set[str]:
    return {leaf.value for node in nodes for leaf in ast.walk(node) if isinstance(leaf, ast.Constant)} & ROOMS.keys()


def offences(text: str, path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(text)):
        where = f"{path}:{getattr(node, 'lineno', '')}"
        if isinstance(node, ast.Compare | ast.match_case) and named([node]):
            found.append(f"{where} compares a paradigm's name")
        keys = [key for key in node.keys if key is not None] if isinstance(node, ast.Dict) else []
        if path.name != "registry.py" and named(keys):
            found.append(f"{where} has a table of paradigms")
        if isinstance(node, ast.ImportFrom | ast.Import):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            if any(module.startswith(tuple(ROOMS.values())) for module in modules):
                found.append(f"{where} enters a room")
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_module_outside_asks_for_a_paradigm_by_name_or_imports_from_its_room(folder: str) -> None:
    modules = modules_outside(folder)
    assert len(modules) > 5
    texts = {path: path.read_text(encoding="utf-8") for path in modules}
    assert [
        line for path, text in texts.items() if SUSPECT.search(text) for line in offences(text, path.relative_to(ROOT))
    ] == []


@pytest.mark.parametrize(
    "text",
    [
        'if name == "games": pass',
        "match name:\n    case 'role_play': pass",
        'table = {"tool_usage": 1}',
        "from atp_ray.paradigms.games.payoffs import Payoffs",
        "import atp_ray.paradigms.conventions.names",
    ],
)
def test_what_enters_a_room_is_noticed(text: str) -> None:
    assert SUSPECT.search(text)
    assert len(offences(text, Path("module.py"))) == 1
