"""Tables for a paper: what the report prints, as LaTeX that a document with booktabs takes."""

import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from written_runs import games_run, role_play_run, tool_run

from atp_ray.measures.results import load_results
from atp_ray.report.__main__ import main
from atp_ray.report.exports import latex_tables
from atp_ray.report.exports.latex_tables import ROWS_PER_TABLE, escaped, latex

DOCUMENT = "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n%s\n\\end{document}\n"
UNESCAPED = re.compile(r"(?<!\\)[%#_]")
ENGINE = next((name for name in ("tectonic", "pdflatex") if shutil.which(name)), None)


def rows(text: str) -> list[list[str]]:
    """Return the cells of a table's lines, heads first."""
    return [line.removesuffix(r" \\").split(" & ") for line in text.splitlines() if line.endswith(r" \\")]


def check(text: str) -> None:
    """Make sure that a file is a table that LaTeX takes: environments, rules, columns, nothing unescaped."""
    begun = re.findall(r"\\begin\{(\w+)\}", text)
    assert begun == ["table", "tabular"] * (len(begun) // 2)
    assert re.findall(r"\\end\{(\w+)\}", text) == ["tabular", "table"] * (len(begun) // 2)
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    for rule in ("toprule", "bottomrule"):
        assert text.count(f"\\{rule}\n") == len(begun) // 2
    assert "\\midrule\n\\bottomrule" not in text
    assert not UNESCAPED.search(text)
    (columns,) = set(re.findall(r"\\begin\{tabular\}\{@\{\}([lrc]+)@\{\}\}", text))
    assert {len(row) for row in rows(text)} == {len(columns)}


def test_rates_of_games_by_setting_and_round_with_what_the_intervals_are(tmp_path) -> None:
    run = games_run(tmp_path / "run")
    paths = latex_tables.write(run, tmp_path)
    assert [path.name for path in paths] == ["collusion_rate.tex", "beside_the_paper.tex"]
    text = paths[0].read_text()
    check(text)
    head, *lines = rows(text)
    assert head[:4] == ["checkpoint", "n", "t", "ratio"]
    assert [line[0] for line in lines] == ["policy:quantal"] * 2
    first = load_results(run)[0].rates_R[0]
    assert lines[0][4] == f"{100 * first.rate:.1f} ({100 * first.low:.0f}--{100 * first.high:.0f})"
    caption = re.search(r"\\caption\{(.*)\}", text)[1]
    assert first.method in caption
    assert "policy:* is an analytic policy, no language model" in caption
    assert "Not a statement about Qwen or Llama." in caption
    assert "76.8\\% (43/56)" in paths[1].read_text()
    check(paths[1].read_text())


@pytest.mark.parametrize(
    ("make_run", "paper"), [(role_play_run, "paper: Qwen3-8B + GRPO"), (tool_run, "paper: Qwen3-8B")]
)
def test_the_papers_rows_stand_below_ours_after_a_rule(make_run, paper, tmp_path) -> None:
    run = make_run(tmp_path / "run")
    (path,) = latex_tables.write(run, tmp_path)
    text = path.read_text()
    check(text)
    ours, papers = text.split("\\midrule\n")[1:]
    assert "paper" not in ours
    assert paper in papers
    assert "arXiv 2510.04860" in text
    assert ("small embedded test checkpoint" in text) is (make_run is tool_run)


def test_a_long_table_goes_on_in_another(tmp_path) -> None:
    table = Table(title="Many")
    table.add_column("number")
    for number in range(2 * ROWS_PER_TABLE + 1):
        table.add_row(str(number))
    text = latex(table, ["Noted"], "tab:many")
    check(text)
    assert [row[0] for row in rows(text) if row != ["number"]] == [str(n) for n in range(2 * ROWS_PER_TABLE + 1)]
    assert text.count("\\caption{Many (continued).}") == 2
    assert text.count("\\caption{Many. Noted.}") == text.count("\\label{tab:many}") == 1


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S", "Zs"))))
def test_no_letter_of_a_name_means_anything_to_latex(text) -> None:
    shown = escaped(text)
    for letter in "%#_&$":
        assert shown.count(f"\\{letter}") == shown.count(letter) == text.count(letter)
    rest = re.sub(r"\\text\w+\{\}|\\ensuremath\{(\\\w+|-)\}|\\[{}%#_&$]", "", shown)
    assert not set('\\{}~^<>|"') & set(rest)


def test_only_the_hyphen_of_an_interval_becomes_a_dash() -> None:
    assert escaped("qwen3-8b (3-8b) 12.5 (3-22)") == "qwen3-8b (3-8b) 12.5 (3--22)"


@pytest.mark.skipif(ENGINE is None, reason="no TeX here")
def test_a_document_with_booktabs_and_nothing_else_takes_every_table(tmp_path) -> None:
    texts = []
    for make_run in (games_run, role_play_run, tool_run):
        out = tmp_path / make_run.__name__
        main(["export", str(make_run(out)), "--to", "latex"])
        texts += [path.read_text() for path in sorted((out / "export-latex").glob("*.tex"))]
    texts.append(escaped('1 ≤ 2 ≥ 1 ≈ 1 ± 0 × 1 → −1 Δ \\ { } & % $ # _ ~ ^ < > | " é ü – …'))
    (tmp_path / "paper.tex").write_text(DOCUMENT % "\n".join(texts))
    flags = ["-halt-on-error", "-interaction=nonstopmode"] if ENGINE == "pdflatex" else []
    done = subprocess.run([ENGINE, *flags, "paper.tex"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000
    assert "Overfull" not in done.stdout
