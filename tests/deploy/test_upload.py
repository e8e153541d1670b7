"""What `ray job submit --working-dir .` sends to the cluster: by Ray's own packing, with the project's ignore files."""

import shutil
import zipfile
from pathlib import Path

from ray._private.runtime_env.packaging import create_package

from atp_ray.config_files import configs_dir

ROOT = configs_dir().parent


def test_code_is_sent_and_results_and_environments_are_not(tmp_path: Path) -> None:
    project = tmp_path / "project"
    sent = ["atp_ray/sweep/__main__.py", "actors/agent.py", "configs/grids/smoke.yaml", "pyproject.toml"]
    kept = [
        "runs/a/events.jsonl",
        "docs/index.md",
        "tests/conftest.py",
        "build/docs/index.html",
        "atp_ray/__pycache__/x.pyc",
    ]
    for name in (*sent, *kept):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("x")
    (tmp_path / "shared_environment").mkdir()
    (tmp_path / "shared_environment" / "python").write_text("x")
    (project / ".venv").symlink_to(tmp_path / "shared_environment")
    for name in (".gitignore", ".rayignore"):
        shutil.copy(ROOT / name, project)
    package = tmp_path / "package.zip"
    create_package(str(project), package, include_gitignore=True)
    files = {name for name in zipfile.ZipFile(package).namelist() if not name.endswith("/")}
    assert files - {".gitignore", ".rayignore"} == set(sent)
