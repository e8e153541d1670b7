"""Energy from the machine's own counters, here a folder laid out as Linux' power capping has it."""

from pathlib import Path

import pytest

from atp_ray.costs.energy import Counter, EnergyMeter, machine_meter


def zone(folder: Path, name: str, label: str, microjoules: int, span: int = 1_000_000_000) -> Path:
    place = folder / name
    place.mkdir()
    for file, text in (("name", label), ("energy_uj", microjoules), ("max_energy_range_uj", span)):
        (place / file).write_text(f"{text}\n")
    return place / "energy_uj"


def test_packages_are_added_and_what_lies_inside_one_is_not(tmp_path) -> None:
    first, second = zone(tmp_path, "intel-rapl:0", "package-0", 5), zone(tmp_path, "intel-rapl:1", "package-1", 7)
    core, psys = zone(tmp_path, "intel-rapl:0:0", "core", 5), zone(tmp_path, "intel-rapl:2", "psys", 5)
    meter = machine_meter(tmp_path)
    for file in (first, second, core, psys):
        file.write_text("360000007\n")
    meter.look()
    assert meter.wh == pytest.approx(0.2, rel=1e-6)


def test_a_counter_that_starts_again_at_0_loses_nothing(tmp_path) -> None:
    file = zone(tmp_path, "intel-rapl:0", "package-0", 900_000_000)
    meter = machine_meter(tmp_path)
    for value in (990_000_000, 90_000_000, 180_000_000):
        file.write_text(str(value))
        meter.look()
    assert meter.wh == pytest.approx(280 / 3600)


def test_a_machine_that_tells_nothing_has_no_energy_rather_than_none_used(tmp_path) -> None:
    assert machine_meter(tmp_path).wh is None
    (tmp_path / "intel-rapl:0").mkdir()
    assert machine_meter(tmp_path).wh is None


def test_a_counter_that_is_lost_on_the_way_ends_the_account(tmp_path) -> None:
    file = zone(tmp_path, "intel-rapl:0", "package-0", 0)
    meter = machine_meter(tmp_path)
    file.unlink()
    meter.look()
    assert meter.wh is None


def test_gpus_count_in_joules_and_never_start_again() -> None:
    values = iter([100.0, 3700.0])
    meter = EnergyMeter([Counter(lambda: next(values))])
    meter.look()
    assert meter.wh == 1
