"""Shell: the Slurm job and the set-up scripts."""

import subprocess
import sys
from pathlib import Path

import pytest

from atp_ray.config_files import configs_dir

ROOT = configs_dir().parent
SLURM = ROOT / "deploy" / "slurm" / "sweep.sbatch"
SCRIPTS = [SLURM, ROOT / ".ci" / "run", *sorted((ROOT / "tools").glob("*.sh"))]
SHELLCHECK = Path(sys.executable).parent / "shellcheck"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_the_linter_finds_nothing(path: Path) -> None:
    found = subprocess.run([SHELLCHECK, path], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_the_linter_would_find_a_mistake(tmp_path: Path) -> None:
    script = tmp_path / "job.sh"
    script.write_text(SLURM.read_text().replace('"$run/run.json"', "$run/run.json"))
    assert subprocess.run([SHELLCHECK, script], capture_output=True, check=False).returncode == 1


def test_a_slurm_job_has_its_nodes_alone_and_starts_ray_once_on_each() -> None:
    text = SLURM.read_text()
    directives = dict(
        line.removeprefix("#SBATCH --").partition("=")[::2] for line in text.splitlines() if line.startswith("#SBATCH")
    )
    assert directives["ntasks-per-node"] == "1"
    assert "exclusive" in directives
    assert directives["gpus-per-node"].isdigit()
