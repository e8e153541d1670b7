"""The model card of `tiny`: what it is, how it was made, how close it is to its teacher, what it is not."""

from __future__ import annotations

from atp_ray.tiny.calibration import Calibration
from atp_ray.tiny.scope import TrainingScope
from atp_ray.tiny.training import TrainingRecord

CARD_FILE = "README.md"


def model_card(record: TrainingRecord, scope: TrainingScope, calibration: Calibration) -> str:
    """Return the card as Markdown."""
    recipe = record.recipe
    most = ", ".join(f"`{name}` up to n = {n}" for name, n in scope.most_agents.items())
    sections = [
        "# tiny",
        "The embedded test checkpoint of atp_ray: a Qwen3-architecture language model of "
        f"{record.parameters / 1e6:.2f} million parameters, trained from scratch by "
        "`python -m atp_ray.checkpoints build tiny`.",
        "**It says nothing about Qwen3-8B, Llama or any other real model.** It was trained to imitate an analytic "
        "quantal-response policy (`policy:quantal`), and the shape of the paper's results is in that teacher: its "
        "constants were chosen so that eight of them tip as the paper's base model does. A run with `tiny` shows that "
        "the machinery works - prompts, memory, engine, parsing, settlement, training - and nothing else.",
        "## Data and training",
        f"Transcripts of the teacher thinking aloud, through the project's own prompt builder: {len(scope.scenarios)} "
        f"games, visibility {most}, history windows of 1 to {scope.longest_window} rounds, both settlement modes, "
        f"rewards with high {scope.high[0]:g} to {scope.high[1]:g}, medium 1, low {scope.low[0]:g} to "
        f"{scope.low[1]:g}. Loss on every reply of the teacher.",
        f"{recipe.steps} steps of {recipe.batch} transcripts, AdamW {recipe.learning_rate:g}, warm-up "
        f"{recipe.warm_up} steps, linear decay, seed {recipe.seed}; hidden {recipe.hidden}, {recipe.layers} layers, "
        f"{recipe.heads} heads ({recipe.kv_heads} KV), {recipe.vocabulary}-token BPE. {record.seconds / 60:.0f} "
        f"minutes on two CPU threads; mean loss of the last 100 steps {record.final_loss:g}.",
        "## Calibration against the teacher",
        f"On states it was not trained on, {calibration.replies_per_state} free replies each, temperature 1. "
        "MAE is the mean absolute error of P(collude); noise is what sampling alone would give.",
        _fit_table(calibration),
        f"Free replies with a readable decision: {calibration.parsed:.2%}.",
        "Eight of them in a closed loop, all games, incentive ratio 1, collusion rate by round:",
        _loop_table(calibration),
        "## Limits",
        "Asked for a wording, layout or number outside the above, the project refuses before the run starts "
        "(`atp_scope.json` holds the bounds): such prompts do not parse at all. The teacher looks at the last round "
        "only, so a longer history does not change what this model does.",
    ]
    return "\n\n".join(sections) + "\n"


def _fit_table(calibration: Calibration) -> str:
    rows = [
        "| visibility | n | states | parsed | correlation | MAE | noise |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    rows += [
        f"| {fit.visibility} | {fit.agents} | {fit.states} | {fit.parsed:.1%} | {fit.correlation:.3f} "
        f"| {fit.mean_absolute_error:.3f} | {fit.noise:.3f} |"
        for fit in calibration.fits
    ]
    return "\n".join(rows)


def _loop_table(calibration: Calibration) -> str:
    n_rounds = len(calibration.closed_loop[0].rates)
    rows = [
        "| threshold | " + " | ".join(f"r{r}" for r in range(1, n_rounds + 1)) + " |",
        "| --- " * (n_rounds + 1) + "|",
    ]
    rows += [
        f"| {loop.threshold} | " + " | ".join(f"{rate:.2f}" for rate in loop.rates) + " |"
        for loop in calibration.closed_loop
    ]
    return "\n".join(rows)
