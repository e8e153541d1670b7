"""docs/paper.md: every setting it names is what the configurations say, and no fact of the paper is without a row."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import UPSTREAM

from atp_ray.alignment.profiles import parse_profile
from atp_ray.config_files import config_names, configs_dir, load_yaml
from atp_ray.paradigms.games.payoffs import payoffs_for_incentive_ratio
from atp_ray.paradigms.grids import load_grid
from atp_ray.paradigms.registry import paradigm

PAGE = Path(__file__).resolve().parents[1] / "docs" / "paper.md"
LINES = yaml.safe_load(Path(__file__).with_name("paper_lines.yaml").read_text())
FACTS = UPSTREAM.parents[1] / "spec" / "paper_facts.md"
KINDS = ("grid", "profile", "request", "published", "scenario", "rewards", "constant", "count")
SETTING = re.compile(rf"`(?P<kind>{'|'.join(KINDS)}):(?P<path>[^`]+?) = (?P<value>[^`]+)`")


def table_rows() -> dict[str, list[str]]:
    """The rows of all tables by their number, without the heads."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    numbered = [row for row in cells if re.fullmatch(r"[A-Z]\d+", row[0])]
    assert len({row[0] for row in numbered}) == len(numbered)
    return {row[0]: row for row in numbered}


ROWS = table_rows()
STATED = [(number, *found.groups()) for number, row in ROWS.items() for found in SETTING.finditer(" | ".join(row))]


def plain(value: Any) -> Any:
    """A configuration's value as YAML would read it."""
    if isinstance(value, dict):
        return {plain(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def reached(model: Any, keys: str) -> Any:
    for key in keys.split("."):
        model = getattr(model, key)
    return model


def looked_up(kind: str, path: str) -> Any:
    """What the configurations say of a setting of the page."""
    if kind == "count":
        return len(config_names(path))
    if kind == "constant":
        module, _, name = path.rpartition(".")
        return getattr(importlib.import_module(module), name)
    if kind == "rewards":
        payoffs = payoffs_for_incentive_ratio(float(path))
        return [payoffs.high, payoffs.medium, payoffs.low]
    if kind == "published":
        return published(*path.split(".", 2))
    if kind == "profile":
        name = max((name for name in config_names("training") if path.startswith(f"{name}.")), key=len)
        data = load_yaml(configs_dir() / "training" / f"{name}.yaml")
        return reached(parse_profile(data, name), path.removeprefix(f"{name}."))
    name, _, keys = path.partition(".")
    if kind == "grid":
        return reached(load_grid(name), keys)
    if kind == "scenario":
        return load_yaml(configs_dir() / "scenarios" / f"{name}.yaml")[keys]
    first, _, rest = keys.partition(".")
    default = paradigm(name).design.request_model.model_fields[first].default
    return reached(default, rest) if rest else default


def published(name: str, field: str, model: str = "") -> Any:
    value = load_yaml(configs_dir() / "published" / f"{name}.yaml")[field]
    if field == "directions":
        return [entry["trend"] for entry in value]
    if not model:
        return value
    (found,) = (entry for entry in value if entry["model"] == model)
    return found.get("values", found.get("colluding"))


@pytest.mark.parametrize(("number", "kind", "path", "value"), STATED, ids=[f"{s[0]}-{s[2]}" for s in STATED])
def test_a_setting_of_the_page_is_what_is_configured(number, kind, path, value) -> None:
    assert plain(looked_up(kind, path)) == yaml.safe_load(value), f"row {number}"


def test_every_row_says_what_is_ours_and_how_to_get_theirs() -> None:
    for number, row in ROWS.items():
        if len(row) == 5:  # a scenario: its two choices
            assert all(SETTING.search(cell) for cell in row[3:])
            continue
        assert len(row) == 7, number
        _, point, paper, reference, ours, _, theirs = row
        assert point, number
        assert ours, number
        assert paper or reference, number
        assert "`" in theirs or theirs.startswith(("none:", "none needed:")), number


@pytest.mark.parametrize("name", [name for name in config_names("grids") if name.startswith("paper_")])
def test_every_key_of_a_paper_grid_has_a_row(name) -> None:
    theirs = {path for _, kind, path, _ in STATED if kind == "grid"}
    keys = load_yaml(configs_dir() / "grids" / f"{name}.yaml").keys() - {"name", "description", "paradigm"}
    # The settings of Appendix B are played as those of Figure 3.
    grid = "paper_figure3" if name == "paper_appendix_b" else name
    if name == "paper_table2":
        keys -= {"sampling", "agents"}  # rows C2 and U9, by the names of the other grids
    missing = {key for key in keys if not any(path.startswith(f"{grid}.{key}") for path in theirs)}
    assert missing <= ({"sampling"} if name == "paper_table1" else set())


def test_every_paper_profile_is_named() -> None:
    text = PAGE.read_text()
    profiles = [name for name in config_names("training") if name.endswith("-paper")]
    assert len(profiles) == 8
    assert [name for name in profiles if name not in text] == []


@pytest.mark.parametrize("name", [name for name in config_names("training") if name.endswith("grpo-paper")])
def test_a_step_of_grpo_like_the_paper_holds_its_completions(name) -> None:
    profile = parse_profile(load_yaml(configs_dir() / "training" / f"{name}.yaml"), name)
    assert profile.batch == profile.group_size
    assert profile.workers * profile.batch * profile.accumulation == 32 * profile.group_size


def test_every_line_has_rows_that_are_there() -> None:
    for line, numbers in LINES.items():
        assert numbers, line
        assert set(numbers) <= set(ROWS), line
    named = {number for numbers in LINES.values() for number in numbers}
    assert {number for number in ROWS if number[0] not in "CF"} - named == OWN_FINDINGS


# Rows on what the page of facts does not speak of: where we were found to differ.
OWN_FINDINGS = {"G10", "A8", "A9", "A12", "A15", "A16", "A17", "A20"}


@pytest.mark.skipif(not FACTS.is_file(), reason="the page of facts is not here")
def test_no_line_of_the_facts_is_without_a_row() -> None:
    lines = [line.strip() for line in FACTS.read_text().splitlines()]
    told = [line for line in lines if line and not line.startswith("#") and set(line) - set("|- ")]
    unknown = [line for line in told if not any(line.startswith(start) for start in LINES)]
    assert unknown == []
