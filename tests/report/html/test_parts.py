"""The parts of a page: texts of models, tables of rich, nested data, and how a run is played again."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from atp_ray.errors import UsageError
from atp_ray.paradigms.grids import load_grid, parse_grid
from atp_ray.report.html.reproduce import recipe, seeds_text
from atp_ray.report.html.tables import html_table, plain
from atp_ray.report.html.texts import excerpt, fitted, n_bytes, quantity, visible
from atp_ray.report.html.trees import LONGEST, Entry, entries
from atp_ray.sweep.options import grid_names

HOSTILE = "\x00\x1b[31m\u202e\u2066\u200f\x85\ud800\ufeff\U000e0041"


def test_what_would_not_show_is_spelled_out_and_the_rest_is_left_alone() -> None:
    shown = visible(f"a{HOSTILE}b")
    assert not set(HOSTILE.replace("[31m", "")) & set(shown)
    assert shown.startswith("a\u27e8U+0000\u27e9\u27e8U+001B\u27e9[31m\u27e8U+202E\u27e9")
    assert visible("tab\tline\r\nnext \u00e9 \u4e2d \U0001f469\u200d\U0001f680") == (
        "tab\tline\nnext \u00e9 \u4e2d \U0001f469\u200d\U0001f680"
    )


@given(st.text(st.characters() | st.sampled_from(HOSTILE + "<&"), max_size=60), st.integers(0, 200))
def test_a_text_is_cut_where_its_room_ends_and_not_before(text, room) -> None:
    known = fitted(text, room)
    assert text.startswith(known)
    assert n_bytes(known) <= room
    assert known == text or n_bytes(text[: len(known) + 1]) > room
    visible(known).encode()


def test_the_two_characters_of_a_line_end_take_one_byte_and_one_of_them_alone_is_spelled_out() -> None:
    assert fitted("a\r\nb\r\nc", 5) == fitted("a\r\nb\r\nc", 6) == "a\r\nb\r\nc"
    assert [fitted("a\r\nb\r\nc", room) for room in (1, 2, 4)] == ["a", "a\r\n", "a\r\nb\r\n"]
    assert fitted("ab\r" + "c" * 9, 12) == "ab"


def test_a_long_text_is_folded_and_a_longer_one_cut() -> None:
    assert excerpt("short", 100) == ("short", None, 0)
    folded = excerpt("word " * 100, 1000, short=22)
    assert (folded.start, folded.whole, folded.n_left_out) == ("word " * 4, "word " * 100, 0)
    cut = excerpt("x" * 5000, 300, short=100)
    assert (cut.start, cut.whole, cut.n_left_out) == ("x" * 100, "x" * 300, 4700)
    assert (quantity(1, "seat"), quantity(1200, "seat")) == ("1 seat", "1,200 seats")


def test_a_rich_table_becomes_plain_data_with_its_markup_read_and_all_else_as_text() -> None:
    table = Table(title="Rates [bold]in %[/bold]", caption="From [i]here[/i]")
    table.add_column("name")
    table.add_column(Text("rate"), justify="right")
    table.add_row("[red]<b>tiny</b>[/red]", "1.0", end_section=True)
    table.add_row("a [/wrong] tag", Text("[kept]"), style="dim")
    found = html_table(table)
    assert (found.caption, found.note) == ("Rates in %", "From here")
    assert [(column.name, column.align) for column in found.columns] == [("name", "start"), ("rate", "end")]
    assert [row.cells for row in found.rows] == [("<b>tiny</b>", "1.0"), ("a [/wrong] tag", "[kept]")]
    assert [(row.muted, row.ends_section) for row in found.rows] == [(False, True), (True, False)]
    assert plain(Table("a")) == "" or "a" in plain(Table("a"))
    short = html_table(table, most_rows=1)
    assert len(short.rows) == 1
    assert short.note == "From here 1 more rows are in the run's Parquet files."


def test_nested_data_of_any_shape_becomes_entries() -> None:
    found = entries({"max_cost": 2.5, "none": None, "tags": ["a", "b"], "by model": [{"tokens": 1234, "ok": True}]})
    assert found == (
        Entry("max cost", "2.5"),
        Entry("tags", "a, b"),
        Entry("by model", "", (Entry("1", "", (Entry("tokens", "1,234"), Entry("ok", "yes"))),)),
    )
    assert entries(None) == entries({}) == entries([]) == ()
    assert entries("as it is") == (Entry("", "as it is"),)
    assert len(entries(list(range(500)))) < 100
    assert len(entries({"long": "x" * 10_000})[0].text) < LONGEST + 100
    deep = {}
    for _ in range(50):
        deep = {"deeper": deep, "x": "y" * 10}
    assert len(str(entries(deep))) < 5000
    wide = {str(a): {str(b): {str(c): c for c in range(30)} for b in range(30)} for a in range(30)}
    assert len(str(entries(wide))) < 50_000
    assert "More is in run.json" in str(entries(wide))


@pytest.mark.parametrize("name", grid_names())
def test_flags_of_sweep_give_a_shipped_grid_again(name) -> None:
    given = load_grid(name)
    found = recipe({"grid_as_given": given.model_dump(mode="json", exclude_unset=True)})
    assert found.commands[0] == f"python -m atp_ray.sweep --grid {name} --out RUN"
    assert parse_grid(yaml.safe_load(found.grid), "x") == given


def test_a_changed_grid_is_given_by_flags_and_any_other_by_a_file() -> None:
    settings = ["rewards=[1.5,1,0.5]", "sampling.temperature=0.5"]
    given = load_grid("figure3", settings, checkpoints=["policy:quantal", "tiny"], seeds=3, n_agents=[6, 8])
    data = given.model_dump(mode="json", exclude_unset=True)
    found = recipe({"grid_as_given": data, "base_url": "http://me:secret@here/v1", "sandbox": "none"})
    assert found.commands[0] == (
        "python -m atp_ray.sweep --grid figure3 --checkpoint policy:quantal --checkpoint tiny --seeds 3 "
        "--set sampling.temperature=0.5 --set 'n_agents=[6, 8]' --set 'rewards=[1.5, 1.0, 0.5]' "
        "--base-url URL --sandbox none --out RUN"
    )
    assert not found.needs_file
    own = recipe({"grid_as_given": data | {"name": "my own"}})
    assert own.needs_file
    assert own.commands[0] == "python -m atp_ray.sweep --grid grid.yaml --out RUN"
    assert json.dumps(yaml.safe_load(own.grid), sort_keys=True) == json.dumps(
        given.model_dump(mode="json") | {"name": "my own"}, sort_keys=True
    )
    with pytest.raises(UsageError, match="did not record its grid"):
        recipe({})
    assert [seeds_text(seeds) for seeds in ([], [0], [0, 1], [0, 1, 2], [4, 7, 9])] == [
        "none", "0", "0, 1", "0 to 2", "4, 7, 9",
    ]  # fmt: skip
