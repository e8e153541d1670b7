"""The table of costs, and what `run.json` holds of them."""

from io import StringIO

import pytest
from rich.console import Console
from support import make_cell, make_spec, play

from atp_ray.checkpoint.profiles import TokenPrice
from atp_ray.costs.estimate import Expected
from atp_ray.costs.prices import Rates, Tariff
from atp_ray.costs.record import COSTS, ESTIMATE, costs_estimate, recorded_costs, recorded_estimate, run_costs
from atp_ray.costs.usage import Usage
from atp_ray.report.costs import costs_table
from atp_ray.report.run_report import summary_tables
from atp_ray.storage.run_folder import create_run, read_manifest, write_manifest
from atp_ray.storage.tables import write_cell

RATES = Rates(
    tariffs={
        "hosted": Tariff(payment="tokens", source="its profile", price=TokenPrice(input=2, output=10)),
        "mine": Tariff(payment="machine", source="no price by the token"),
    },
    gpu_hour=4,
)
USED = {"hosted": Usage(100, 500_000, 50_000), "mine": Usage(200, 1_000_000, 80_000)}


def shown(table) -> str:
    console = Console(width=160, file=StringIO())
    console.print(table)
    return " ".join(console.file.getvalue().split())


def test_tokens_gpus_and_energy_are_told_beside_what_was_expected() -> None:
    expected = {"hosted": Expected(Usage(100, 495_000, 110_000), (), "4 characters a token", "assumed")}
    manifest = {
        "status": "complete",
        COSTS: run_costs(USED, RATES, wall_s=5400, gpu_s=7200, energy_wh=321.04).model_dump(mode="json"),
        ESTIMATE: costs_estimate(expected, RATES).model_dump(mode="json"),
    }
    text = shown(costs_table(manifest))
    assert "hosted 100 500,000 50,000 605,000 (+10.0%) $1.50" in text
    assert "605,000 $1.50" in shown(costs_table(manifest | {"status": "stopped"}))
    assert "mine 200 1,000,000 80,000 - no price by the token" in text
    assert "1.50 h in all, 2.00 GPU-hours at $4.00, 321.0 Wh on this machine, $9.50 together" in text


def test_what_is_not_known_is_null_and_not_0() -> None:
    costs = run_costs({"mine": USED["mine"]}, Rates(tariffs=RATES.tariffs), 60, 0, None)
    assert costs.model_dump(mode="json") == {
        "checkpoints": {
            "mine": {
                "requests": 200,
                "prompt_tokens": 1_000_000,
                "completion_tokens": 80_000,
                "dollars": None,
                "price": None,
                "price_source": "no price by the token",
            }
        },
        "dollars": None,
        "wall_s": 60,
        "gpu_s": 0,
        "gpu_hour_price": None,
        "energy_wh": None,
    }
    assert shown(costs_table({COSTS: costs.model_dump(mode="json")})).endswith("60 s in all")


def test_the_record_is_read_as_it_was_written() -> None:
    costs = run_costs(USED, RATES, 12.34, 0, 1.5)
    assert recorded_costs({COSTS: costs.model_dump(mode="json")}) == costs
    assert costs.usages == USED


@pytest.mark.parametrize("manifest", [{}, {COSTS: None}, {COSTS: {"checkpoints": 3}}, {COSTS: {"checkpoints": {}}}])
def test_a_run_without_a_record_has_no_table(manifest) -> None:
    assert costs_table(manifest) is None
    assert recorded_estimate(manifest) is None


def test_the_report_of_a_run_has_the_table(tmp_path) -> None:
    spec = make_spec()
    write_cell(tmp_path, make_cell(spec), {spec.episode_id: play(spec)})
    create_run(tmp_path, {"n_cells": 1})
    before = len(summary_tables(tmp_path))
    costs = run_costs(USED, RATES, 60, 0, None).model_dump(mode="json")
    write_manifest(tmp_path, read_manifest(tmp_path) | {COSTS: costs})
    assert len(summary_tables(tmp_path)) == before + 1
