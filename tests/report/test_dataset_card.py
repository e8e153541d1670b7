"""The card of a run folder: the hub's own library and `datasets` read it, without a network."""

import json

import pytest
import yaml
from huggingface_hub import DatasetCard
from naming_runs import naming_run
from written_runs import games_run, role_play_run, tool_run

from atp_ray.paradigms.grids import parse_grid
from atp_ray.report.__main__ import main
from atp_ray.report.dataset_card import write_card
from atp_ray.storage.schema import cell_schemas
from atp_ray.storage.tables import read_table, written_tables


@pytest.fixture(autouse=True)
def _no_network(tmp_path, monkeypatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def loaded(run, *config):
    import datasets

    return datasets.load_dataset(str(run), *config, split="train")


@pytest.mark.parametrize(
    ("make_run", "paradigm"),
    [(games_run, "games"), (role_play_run, "role_play"), (tool_run, "tool_usage"), (naming_run, "conventions")],
)
def test_every_dataset_of_a_run_loads_with_all_columns_and_cells(make_run, paradigm, tmp_path) -> None:
    run = make_run(tmp_path / "run")
    write_card(run)
    card = DatasetCard.load(run / "README.md").data
    schemas = list(cell_schemas(paradigm, shares=paradigm == "conventions"))
    assert [config["config_name"] for config in card.configs] == schemas == written_tables(run)
    for name in written_tables(run):
        table = read_table(run, name)
        found = loaded(run, name)
        assert found.column_names == table.column_names
        assert found.to_list() == table.to_pylist()
    assert loaded(run).column_names == read_table(run, "decisions").column_names


def test_an_incomplete_run_loads_what_it_has_and_a_new_one_says_what_it_will_have(tmp_path) -> None:
    run = tool_run(tmp_path / "run")
    for name in written_tables(run):
        (run / name / "tools1.parquet").unlink()
    write_card(run)
    assert loaded(run, "solutions").num_rows == 4
    assert "2 cells, of which 1 are finished" in (run / "README.md").read_text()
    for name in written_tables(run):
        (run / name / "tools0.parquet").unlink()
    write_card(run)
    assert "| `solutions` | 0 |" in (run / "README.md").read_text()


@pytest.mark.slow
def test_what_is_not_data_is_not_taken_for_it(tmp_path) -> None:
    run = games_run(tmp_path / "run")
    write_card(run)
    before = {name: loaded(run, name).num_rows for name in written_tables(run)}
    (run / "log").mkdir()
    (run / "log" / "t2.jsonl").write_text('{"decisions": 1}\n')
    for folder in ("tracking/wandb", "comparisons", "html"):
        (run / folder).mkdir(parents=True)
        (run / folder / "other.parquet").write_bytes(b"nothing of ours")
    main([str(run), "--format", "png"])
    main(["export", str(run), "--to", "csv"])
    assert {name: loaded(run, name).num_rows for name in written_tables(run)} == before


def test_the_card_says_what_was_played_by_whom_under_which_terms_and_how_again(tmp_path) -> None:
    run = games_run(tmp_path / "run")
    card = DatasetCard.load(write_card(run))
    assert (card.data.license, card.data.size_categories, card.data.language) == ("mit", ["n<1K"], "en")
    assert {"games", "arxiv:2510.04860"} <= set(card.data.tags)
    assert card.data.configs[0] == {"config_name": "decisions", "data_files": "decisions/*.parquet", "default": True}
    for text in ("Played by a test", "`policy:quantal`", "no language model", "docs/results.md", "pyarrow", "@misc"):
        assert text in card.text
    given = yaml.safe_load(card.text.split("```yaml\n")[1].split("```")[0])
    assert parse_grid(given, "card").name == "test"


def test_replies_of_other_peoples_models_are_under_their_terms(tmp_path) -> None:
    run = games_run(tmp_path / "run")
    manifest = json.loads((run / "run.json").read_text())
    manifest["checkpoints"] = {"qwen3-8b": {"name": "qwen3-8b", "kind": "model", "embedded": False}}
    manifest |= {"label": None, "n_decisions": 2_000_000}
    (run / "run.json").write_text(json.dumps(manifest))
    card = DatasetCard.load(write_card(run))
    assert (card.data.license, card.data.license_name) == ("other", "terms-of-its-sources")
    assert card.data.size_categories == ["1M<n<10M"]
    assert "the terms of each of them apply" in card.text
    assert "**" not in card.text


@pytest.mark.parametrize(
    ("key", "value", "ours"),
    [
        ("scenarios", "all", True),
        ("scenarios", "upstream:q.json", False),
        ("pool", "embedded", True),
        ("pool", "x", False),
    ],
)
def test_imported_prompts_and_problems_are_under_their_own_terms(key, value, ours, tmp_path) -> None:
    run = games_run(tmp_path / "run")
    manifest = json.loads((run / "run.json").read_text())
    manifest["grid"][key] = value
    (run / "run.json").write_text(json.dumps(manifest))
    card = DatasetCard.load(write_card(run))
    assert card.data.license == ("mit" if ours else "other")
    assert ("were imported" in card.text) is not ours
