"""Outside its room nobody asks which paradigm is played, and nobody enters the room but through the registry."""

import ast
from pathlib import Path

import pytest

from atp_ray.config_files import configs_dir
from atp_ray.paradigms.registry import ROOMS

ROOT = configs_dir().parent
FOLDERS = ("atp_ray", "actors", "serve_deployments", "tune_sweeps")
MODULES = [
    path
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not any(path.is_relative_to(ROOT / package.replace(".", "/")) for package in ROOMS.values())
]


def named(nodes: list[ast.AST]) -> set[str]:
    return {leaf.value for node in nodes for leaf in ast.walk(node) if isinstance(leaf, ast.Constant)} & ROOMS.keys()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_outside_asks_for_a_paradigm_by_name_or_imports_from_its_room(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', '')}"
        if isinstance(node, ast.Compare | ast.match_case):
            assert not named([node]), f"{where} compares a paradigm's name"
        if isinstance(node, ast.Dict) and path.name != "registry.py":
            assert not named([key for key in node.keys if key is not None]), f"{where} has a table of paradigms"
        if isinstance(node, ast.ImportFrom | ast.Import):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            assert not any(module.startswith(tuple(ROOMS.values())) for module in modules), f"{where} enters a room"
