"""What the files of deploy/ and the documentation tell a person to type is what the commands take."""

from pathlib import Path

import pytest
from deploy_commands import our_commands, parse_ours, parse_rays, ray_commands, shell_blocks

from atp_ray.config_files import configs_dir
from atp_ray.errors import UsageError
from atp_ray.sweep.options import SweepOptions, grid_names

ROOT = configs_dir().parent
FILES = sorted(path for path in (ROOT / "deploy").rglob("*") if path.is_file())
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def shell(path: Path) -> str:
    text = path.read_text("utf-8")
    return shell_blocks(text) if path.suffix == ".md" else text.replace(">-\n", "")


@pytest.mark.parametrize("path", FILES + PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_and_their_flags_exist(path: Path) -> None:
    for name, words in our_commands(shell(path)):
        options = parse_ours(name, words)
        if isinstance(options, SweepOptions) and options.grid is not None and not options.grid.isupper():
            assert options.grid in grid_names() or options.grid.endswith(".yaml")
    for name, words in ray_commands(shell(path)):
        parse_rays(name, words)
        if name == "up":
            assert (ROOT / words[0]).is_file()


def test_the_commands_are_found_and_a_renamed_flag_is_noticed() -> None:
    found = [command for path in FILES for command in our_commands(shell(path))]
    assert ("serve", "qwen3-8b") in {(name, words[1]) for name, words in found if len(words) > 1}
    assert sum(name == "sweep" for name, _ in found) >= 4
    name, words = next(our_commands("if true; then python -m atp_ray.sweep --gird appendix_b --out /a; fi'"))
    with pytest.raises(UsageError, match="--gird"):
        parse_ours(name, words)
    assert {"start", "up"} <= {name for path in FILES for name, _ in ray_commands(shell(path))}
    with pytest.raises(Exception, match="--gcs-port"):
        parse_rays("start", ["--head", "--gcs-port=6379"])


def test_a_job_of_ray_names_its_results_by_an_absolute_path() -> None:
    """Its working folder is one of Ray's own, on another machine."""
    jobs = [
        line for page in PAGES for line in shell(page).replace("\\\n", " ").splitlines() if "ray job submit" in line
    ]
    assert jobs
    for job in jobs:
        assert "--out /" in job, job
