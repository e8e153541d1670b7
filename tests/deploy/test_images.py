"""The image of a node: what its linter says, and what goes in."""

import re
import subprocess
import sys
from pathlib import Path

from atp_ray.config_files import configs_dir

ROOT = configs_dir().parent
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
BIN = Path(sys.executable).parent


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / "hadolint", "--no-color", path], capture_output=True, text=True, check=False)


def test_the_linter_finds_nothing(tmp_path: Path) -> None:
    assert lint(DOCKERFILE).stdout == ""
    bad = tmp_path / "Dockerfile"
    bad.write_text(DOCKERFILE.read_text().replace("RUN apt-get update", "RUN cd /tmp && apt-get update"))
    assert "DL3003" in lint(bad).stdout


def test_there_is_an_image_for_each_profile_and_it_runs_as_nobody_special() -> None:
    text = DOCKERFILE.read_text()
    assert set(re.findall(r"^FROM node AS (\w+)", text, re.M)) == {"cpu", "cuda"}
    for profile in ("cpu", "cuda"):
        assert f"tools/setup.sh {profile} " in text
    assert re.findall(r"^USER (.+)", text, re.M) == ["1000"]
    assert "bubblewrap" in text
    assert "RAY_AUTH_MODE=token" in text


def test_results_and_environments_stay_out() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".venv", ".git", "runs"} <= set(ignored)
    needed = {"pyproject.toml", "README.md", "LICENSE", "constraints", "tools", "configs", "atp_ray", "actors"}
    assert not needed & set(ignored)
