"""What DeepSpeed needs to compile: refused where it is missing, found where it is."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from atp_ray.errors import UsageError
from tune_sweeps.deepspeed_start import extensions_folder, find_build_tools, require_compiler


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch) -> Path:
    """A machine with nothing on PATH, nothing beside Python and nothing compiled before."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "tools"))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    return tmp_path


def install(command: Path) -> None:
    command.parent.mkdir(exist_ok=True)
    command.touch(mode=0o755)


def test_a_node_without_tools_is_refused_before_deepspeed_looks_for_them(machine) -> None:
    with pytest.raises(UsageError, match=r"^offload: DeepSpeed compiles on each node, and node 10.0.0.7 has no c"):
        require_compiler("10.0.0.7")
    install(machine / "tools" / "c++")
    with pytest.raises(UsageError, match=r"node 10.0.0.7 has no ninja\."):
        require_compiler("10.0.0.7")
    built = extensions_folder() / "cpu_adam" / "cpu_adam.so"
    built.parent.mkdir(parents=True)
    built.touch()
    require_compiler("10.0.0.7")


def test_the_compiler_of_the_environment_is_the_one_that_must_be_there(machine, monkeypatch) -> None:
    for tool in ("c++", "ninja"):
        install(machine / "tools" / tool)
    require_compiler("here")
    monkeypatch.setenv("CXX", "g++-99")
    with pytest.raises(UsageError, match="has no g"):
        require_compiler("here")


def test_what_is_accepted_beside_python_is_found_by_torch_which_looks_on_path(machine) -> None:
    install(machine / "tools" / "c++")
    install(machine / "venv" / "ninja")
    require_compiler("here")
    assert shutil.which("ninja") is None
    find_build_tools()
    assert shutil.which("ninja") == str(machine / "venv" / "ninja")
    found = os.environ["PATH"]
    find_build_tools()
    assert os.environ["PATH"] == found
    install(machine / "tools" / "ninja")
    assert shutil.which("ninja") == str(machine / "tools" / "ninja")
