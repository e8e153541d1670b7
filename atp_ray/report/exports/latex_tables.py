"""The tables of a report as LaTeX, one file each, to be put into a paper: `\\usepackage{booktabs}` is all they need.

They are the very tables that `report` prints, so what stands there (the paper's rows, other checkpoints) stands here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from atp_ray.errors import StorageError
from atp_ray.measures.results import load_results
from atp_ray.report.run_report import run_notes, summary_tables
from atp_ray.storage.run_folder import read_manifest

FEW_COLUMNS = 7
ROWS_PER_TABLE = 45  # what a page holds; a float cannot be broken
JUSTIFIED = {"left": "l", "right": "r", "center": "c", "default": "l", "full": "l"}
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''",
}  # fmt: skip
MATHS = {
    "≤": r"\leq", "≥": r"\geq", "≈": r"\approx", "±": r"\pm", "×": r"\times", "→": r"\rightarrow", "Δ": r"\Delta",
    "−": "-",
}  # fmt: skip
INTERVAL = re.compile(r"\((-?[\d.]+)-(-?[\d.]+)\)")


def write(run_dir: Path, out: Path) -> list[Path]:
    """Write each table of the run's report as a file of its own; returns the files.

    A caption says of its table what the report does, how the intervals were computed, and the honest label.

    Raises:
        UsageError: there are no results yet.
        StorageError: they cannot be read, or a file cannot be written.
    """
    notes = run_notes(load_results(run_dir), read_manifest(run_dir))
    tables = [table for table in summary_tables(run_dir) if isinstance(table, Table)]
    paths = []
    for name, table in zip(_file_names(tables), tables, strict=True):
        path = out / f"{name}.tex"
        try:
            path.write_text(latex(table, notes, "tab:" + name.replace("_", "-")), encoding="utf-8")
        except OSError as error:
            raise StorageError(f"cannot be written: {error.strerror}", str(path), "Choose another --out") from error
        paths.append(path)
    return paths


def latex(table: Table, notes: Sequence[str], label: str) -> str:
    """Return a table of a terminal as `table` environments with rules of booktabs; a long one is continued in others.

    Args:
        notes: sentences that follow the table's own title and caption.
        label: of the first of them, for `\\ref`.
    """
    caption = " ".join(_sentence(text) for text in (_text(table.title), _text(table.caption), *notes) if text)
    rows = list(_rows(table))
    first, *others = [rows[start : start + ROWS_PER_TABLE] for start in range(0, len(rows), ROWS_PER_TABLE)] or [[]]
    parts = [_environment(table, first, escaped(caption), label)]
    parts += [_environment(table, part, f"{escaped(_text(table.title))} (continued).", None) for part in others]
    return "\n".join(parts)


def escaped(text: str) -> str:
    """Return a text as LaTeX prints it; the hyphen of an interval becomes a dash."""
    return INTERVAL.sub(r"(\1--\2)", "".join(map(_letter, text)))


def _letter(letter: str) -> str:
    return rf"\ensuremath{{{MATHS[letter]}}}" if letter in MATHS else SPECIAL.get(letter, letter)


def _environment(table: Table, rows: Sequence[str], caption: str, label: str | None) -> str:
    columns = "".join(JUSTIFIED[column.justify] for column in table.columns)
    heads = " & ".join(escaped(_text(column.header)) for column in table.columns)
    size = r"\footnotesize" if len(table.columns) <= FEW_COLUMNS else r"\scriptsize"
    return "\n".join(
        [
            r"\begin{table}[htbp]",
            rf"\centering{size}\setlength{{\tabcolsep}}{{3pt}}\setlength{{\belowcaptionskip}}{{4pt}}",
            rf"\caption{{{caption}}}",
            *([rf"\label{{{label}}}"] if label else []),
            # Wider than the text it stays in the middle.
            rf"\makebox[\linewidth][c]{{\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
            r"\toprule",
            rf"{heads} \\",
            r"\midrule",
            *rows[:-1],
            *(row.removesuffix("\n\\midrule") for row in rows[-1:]),
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table}",
            "",
        ]
    )


def _rows(table: Table) -> Iterator[str]:
    cells = [[_text(cell) for cell in column.cells] for column in table.columns]
    for row, texts in zip(table.rows, zip(*cells, strict=True), strict=True):
        line = " & ".join("--" if text == "-" else escaped(text) for text in texts)
        yield rf"{line} \\" + ("\n\\midrule" if row.end_section else "")


def _text(shown: object) -> str:
    """Return what a title or a cell says, without a terminal's colours."""
    return Text.from_markup(shown).plain if isinstance(shown, str) else str(shown or "")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _file_names(tables: Sequence[Table]) -> list[str]:
    """Return a short name for each table: the first words of its title; equal ones are numbered."""
    names: list[str] = []
    for table in tables:
        words = re.findall(r"[a-z0-9]+", re.split(r"[:(,]| in %", _text(table.title).lower())[0])
        stem = "_".join(words[:4]) or "table"
        names.append(stem if stem not in names else f"{stem}_{len(names) + 1}")
    return names
