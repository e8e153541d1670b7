"""The learning curve of a training run as a figure: what TRL logged, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from atp_ray.alignment.learning_curve import MetricRow, series
from atp_ray.measures.results import EMBEDDED_NOTE, NOT_ABOUT
from atp_ray.report.figures.style import COLOURS, FULL_WIDTH, add_label, figure_style, save_figure

LEARNING_CURVE = "learning_curve"
# TRL's name of a metric, and what it is called in a paper.
_PANELS = {
    "dpo": (("loss", "DPO loss"), ("rewards/accuracies", "chosen preferred"), ("rewards/margins", "reward margin")),
    "grpo": (("reward", "mean reward"), ("kl", "KL to the base"), ("completions/mean_length", "reply length, tokens")),
}


def draw_learning_curve(
    run_dir: Path, manifest: Mapping[str, Any], rows: Sequence[MetricRow], formats: Sequence[str]
) -> list[Path]:
    """Draw a run's learning curve into its folder and return the files.

    Raises:
        StorageError: the folder cannot be written.
    """
    with figure_style():
        return save_figure(learning_curve(manifest, rows), run_dir, LEARNING_CURVE, formats)


def learning_curve(manifest: Mapping[str, Any], rows: Sequence[MetricRow]) -> Figure:
    """Return the figure: the three metrics that say most of a method, a thin line as logged, a thick one smoothed."""
    figure = Figure(figsize=(FULL_WIDTH, 2.2), layout="constrained")
    panels = figure.subplots(1, 3)
    for panel, (metric, title) in zip(panels, _PANELS[manifest["method"]], strict=True):
        steps, values = series(rows, metric)
        panel.plot(steps, values, color=COLOURS[0], linewidth=0.7, alpha=0.4)
        panel.plot(steps, _smooth(values), color=COLOURS[0], linewidth=1.6)
        panel.set_title(title)
        panel.set_xlabel("optimizer step")
        panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    add_label(figure, _label(manifest))
    return figure


def _smooth(values: Sequence[float]) -> list[float]:
    """Return the running mean over about a tenth of the run."""
    half = max(1, len(values) // 20)
    return [float(np.mean(values[max(0, i - half) : i + half + 1])) for i in range(len(values))]


def _label(manifest: Mapping[str, Any]) -> str:
    text = f"{manifest['name']}: {manifest['method'].upper()} of {manifest['base']} on {manifest['examples']} examples."
    if manifest.get("embedded"):
        return f"{text} {EMBEDDED_NOTE} {NOT_ABOUT}"
    return text
