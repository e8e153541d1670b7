"""The page: its structure, that text of models stays text, that it is the same every day, and small."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
import yaml
from grid_runs import as_json, write_grid_run
from html_outline import outline

from atp_ray.alignment.learning_curve import METRICS_FILE, MetricRow, write_metrics
from atp_ray.config_files import configs_dir
from atp_ray.errors import StorageError
from atp_ray.measures.plans import record_of
from atp_ray.report.__main__ import main
from atp_ray.report.html.page import FILE, MOST_BYTES, Page, render, write_page
from atp_ray.report.html.run_page import sweep_page, training_page
from atp_ray.storage.object_store import open_store
from atp_ray.storage.run_folder import create_run, read_manifest

TODAY = date(2030, 1, 2)
HOSTILE = (
    "<script>alert(1)</script></pre><img src=x onerror=alert(1)> \"'& \u202egnp.exe \x1b[31m\x00 [red]markup[/red] "
    "{{ 7 * 7 }} <style>*{display:none}</style></body>"
)


PLAN = yaml.safe_dump(
    {
        "name": "hostile", "question": HOSTILE, "grid": "figure3", "seeds": 1,
        "hypotheses": [
            {"name": "h", "base": "a", "checkpoint": "b", "measure": "first_round", "direction": "lower"}
        ],
    },
    allow_unicode=True,
)  # fmt: skip


def page_of(run: Path) -> str:
    return render(sweep_page(run, read_manifest(run), TODAY))


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run with two checkpoints, hostile replies, a plan and costs."""
    return write_grid_run(
        tmp_path_factory.mktemp("run"),
        checkpoints=("policy:quantal", "policy:refrain"),
        settings=["thresholds=[4,6]", "scenarios=info_sharing,hunting_game"],
        says=lambda choice: f"{HOSTILE} {as_json(choice)}",
        chance=0.5,
        plan=record_of(PLAN, {}, []).model_dump(),
        costs={"dollars": 1.25},
    )


@pytest.fixture(scope="module")
def html(run) -> str:
    return page_of(run)


@pytest.mark.slow
def test_headings_landmarks_and_links_are_in_order(html) -> None:
    found = outline(html)
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip([0, *levels], levels, strict=False))
    assert {"header", "nav", "main", "footer"} <= {tag for tag, _ in found.tags}
    assert found.all("html") == [{"lang": "en"}]
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in found.all("a"):
        assert attributes["href"][0] == "#"
        assert attributes["href"][1:] in ids
    labels = {name for _, attributes in found.tags for name in (attributes.get("aria-labelledby") or "").split()}
    assert labels <= set(ids)
    sections = [
        "answer",
        "figures",
        "tables",
        "transcripts",
        "plan",
        "costs",
        "method",
        "versions",
        "reproduce",
        "cite",
    ]
    assert [a["href"] for a in found.all("a")] == ["#main", *(f"#{name}" for name in sections)]


@pytest.mark.slow
def test_tables_have_captions_and_scopes_and_images_alternative_text(html) -> None:
    found = outline(html)
    assert len(found.all("caption")) == len(found.all("table")) > 5
    assert all(attributes["scope"] in ("col", "row") for attributes in found.all("th"))
    assert all(len(attributes["alt"]) > 50 for attributes in found.all("img"))
    assert len(found.all("figure")) == len(found.all("figcaption")) == 2
    caption = found.text("figcaption")
    assert "95 % intervals (beta-binomial by unit" in caption
    assert "Not a statement about Qwen or Llama" in caption


def test_nothing_is_loaded_and_nothing_runs(html) -> None:
    found = outline(html)
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in found.tags}
    policy = next(a for a in found.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"].startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert not any(name.startswith("on") or name == "style" for _, attributes in found.tags for name in attributes)
    assert all(attributes["src"].startswith("data:image/") for attributes in found.all("img"))
    assert not re.search(r"url\(|@import|https?:", found.text("style"))


def test_what_models_write_is_shown_as_text_whatever_it_is(html) -> None:
    found = outline(html)
    replies = found.text("pre")
    assert replies.count("<script>alert(1)</script></pre><img src=x onerror=alert(1)>") >= 20
    assert "{{ 7 * 7 }}" in replies
    assert "[red]markup[/red]" in replies
    assert "\u27e8U+202E\u27e9gnp.exe \u27e8U+001B\u27e9[31m\u27e8U+0000\u27e9" in replies
    assert not {"\u202e", "\x1b", "\x00"} & set(html)
    assert "<script>alert(1)</script>" in found.text("dd")


def test_plan_costs_and_versions_are_there_as_they_are_in_the_manifest(html) -> None:
    found = outline(html)
    assert {"sha256", "text", "dollars", "numpy", "machine"} <= set(found.text("dt").split("\n"))
    assert {record_of(PLAN, {}, []).sha256, "1.25"} <= set(found.text("dd").split("\n"))


def test_the_command_and_the_seeds_are_there(html) -> None:
    found = outline(html)
    assert (
        "python -m atp_ray.sweep --grid figure3 --checkpoint policy:quantal --checkpoint policy:refrain "
        "--scenarios info_sharing,hunting_game --set 'thresholds=[4, 6]' --out RUN"
    ) in found.text("pre")
    assert "Seeds: 0." in found.text("p")


def test_where_things_lie_on_this_machine_is_nobody_elses_business(tmp_path) -> None:
    settings = ["thresholds=[4]", "scenarios=info_sharing"]
    run = write_grid_run(
        tmp_path, checkpoints=("tiny",), settings=settings, chance=0.5, base_url="http://me:secret@host.example/v1"
    )
    html = page_of(run)
    assert Path(read_manifest(run)["checkpoints"]["tiny"]["source"]).is_absolute()
    assert str(configs_dir().parent) not in html
    assert "secret" not in html
    assert "host.example" not in html
    assert "--base-url URL" in html


@pytest.mark.slow
def test_one_run_gives_the_same_bytes_but_for_the_date(run, html) -> None:
    other = render(sweep_page(run, read_manifest(run), date(2031, 3, 4)))
    assert other.replace("2031-03-04", "2030-01-02") == html


@pytest.mark.slow
def test_a_page_is_small_whatever_models_write(tmp_path) -> None:
    long = "<think>" + "&\x00" * 9_000 + "</think>" + "'\u4e2d " * 10_000
    run = write_grid_run(
        tmp_path,
        settings=["thresholds=[4]", "scenarios=info_sharing", "n_agents=[12]", "visibility=replies", "rounds=2"],
        says=lambda choice: f"{long} {as_json(choice)}",
        chance=0.5,
        costs={str(number): "x" * 50_000 for number in range(200)},  # twice what a page may have
    )
    html = page_of(run)
    assert len(outline(html).all("article")) == 10
    assert len(html.encode()) < MOST_BYTES - 2_000_000  # the room of the largest figures and tables
    assert "more characters are in the run" in html


@pytest.mark.slow
def test_an_incomplete_run_says_so_first_and_a_page_has_no_more_parts_than_there_is_to_tell(tmp_path) -> None:
    run = write_grid_run(tmp_path, settings=["scenarios=info_sharing"])
    next((run / "cells").iterdir()).unlink()
    found = outline(page_of(run))
    assert "The run is incomplete: 3 of 4 cells are finished." in found.text("p")
    assert "#plan" not in [a["href"] for a in found.all("a")]
    assert "12.5" in found.text("dd")


def test_the_command_writes_the_page_and_names_it(tmp_path, capsys) -> None:
    run = write_grid_run(tmp_path / "run", settings=["thresholds=[4]", "scenarios=info_sharing"])
    assert main([str(run), "--html"]) == 0
    assert f"Report:  {run / FILE}" in capsys.readouterr().out
    assert (run / FILE).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert not (run / "figures").exists()


def test_the_page_of_a_run_in_an_object_store_is_put_beside_it(tmp_path, s3, capsys) -> None:
    run = write_grid_run(tmp_path / "run", settings=["thresholds=[4]", "scenarios=info_sharing"])
    place = f"{s3}/html/run"
    store = open_store(place)
    for path in run.rglob("*"):
        if path.is_file():
            store.put(path, path.relative_to(run).as_posix())
    assert main([place, "--html"]) == 0
    assert f"Report:  {place}/{FILE}" in capsys.readouterr().out
    assert b"How to reproduce" in store.read(FILE)


@pytest.mark.slow
def test_a_training_run_has_a_page_of_its_own_that_is_put_where_it_is_asked_for(tmp_path, capsys) -> None:
    names = ("loss", "rewards/accuracies", "rewards/margins")
    rows = [MetricRow(step, 0.1, name, 0.5) for name in names for step in (1, 2)]
    about = {"name": "a", "method": "dpo", "base": "tiny", "examples": 9, "embedded": True, "profile": {"beta": 0.1}}
    create_run(tmp_path, {"kind": "training", "status": "complete", **about})
    write_metrics(rows, tmp_path / METRICS_FILE)
    assert main([str(tmp_path), "--html", "--out", str(tmp_path / "sent")]) == 0
    assert "Report:" in capsys.readouterr().out
    assert not (tmp_path / FILE).exists()
    found = outline((tmp_path / "sent" / FILE).read_text(encoding="utf-8"))
    assert found.text("h1") == "Training run a"
    assert len(found.all("img")) == 1
    assert "beta" in found.text("dt")
    assert "Not a statement about Qwen or Llama" in found.text("p")
    assert render(training_page(about, rows, TODAY)) == render(training_page(about, rows, TODAY))


def test_a_page_that_cannot_be_written_is_one_clear_line(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_page(Page("a", "", ""), tmp_path / "file" / FILE)
