"""The model card of a small checkpoint: what it is, how it was made, how close it is to its teacher, what it is not."""

from __future__ import annotations

from atp_ray.checkpoint.scope import TrainingScope
from atp_ray.tiny.calibration import Calibration
from atp_ray.tiny.scope import taught
from atp_ray.tiny.training import TrainingRecord

CARD_FILE = "README.md"
LOSS = "Loss on every reply of the teacher."
_MACHINES = {"cpu": "two slow CPU cores", "cuda": "one GPU"}


def model_card(record: TrainingRecord, scope: TrainingScope, calibration: Calibration) -> str:
    """Return the card as Markdown."""
    recipe, rooms = record.recipe, taught(scope.checkpoint)
    shares = ", ".join(f"{room.title} {room.teaching.share:.0%}" for room in rooms)
    sections = [
        f"# {scope.checkpoint}",
        "An embedded test checkpoint of atp_ray: a Qwen3-architecture language model of "
        f"{record.parameters / 1e6:.2f} million parameters, trained from scratch by "
        f"`python -m atp_ray.checkpoints build {scope.checkpoint}`.",
        "**It says nothing about Qwen3-8B, Llama or any other real model.** It was trained to imitate analytic "
        "policies, and the shape of published results is in those teachers: their constants were chosen so that they "
        f"tip as published. A run with `{scope.checkpoint}` shows that the machinery works - prompts, memory, engine, "
        "parsing, settlement, training - and nothing else.",
        "## Data and training",
        "Transcripts of the teachers thinking aloud, through the project's own prompt builder: "
        f"{len(scope.scenarios)} scenario(s) ({shares} of the transcripts). "
        + " ".join([*(lesson for room in rooms if (lesson := room.teaching.lessons(scope))), LOSS]),
        f"{recipe.steps} steps of {recipe.batch} transcripts, AdamW {recipe.learning_rate:g}, warm-up "
        f"{recipe.warm_up} steps, linear decay, seed {recipe.seed}; hidden {recipe.hidden}, {recipe.layers} layers, "
        f"{recipe.heads} heads ({recipe.kv_heads} KV), {recipe.vocabulary}-token BPE. {record.seconds / 60:.0f} "
        f"minutes on {_MACHINES[record.device]}; mean loss of the last 100 steps {record.final_loss:g}.",
        "## Calibration against the teacher",
        f"On states it was not trained on, {calibration.replies_per_state} free replies each, temperature 1. "
        "MAE is the mean absolute error of the chance of an option (of the deviant one where there is one); noise is "
        "what sampling alone would give.",
        _fit_table(calibration),
        f"Free replies with a readable decision: {calibration.parsed:.2%}.",
        *_tool_sections(calibration),
        *_loop_sections(calibration),
        "## Limits",
        "Asked for a wording, layout or number outside the above, the project refuses before the run starts "
        "(`atp_scope.json` holds the bounds): such prompts do not parse at all.",
    ]
    return "\n\n".join(sections) + "\n"


def _fit_table(calibration: Calibration) -> str:
    rows = [
        "| kind | n | states | parsed | correlation | MAE | noise |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    rows += [
        f"| {fit.kind} | {fit.agents} | {fit.states} | {fit.parsed:.1%} | {fit.correlation:.3f} "
        f"| {fit.mean_absolute_error:.3f} | {fit.noise:.3f} |"
        for fit in calibration.fits
    ]
    return "\n".join(rows)


def _tool_sections(calibration: Calibration) -> list[str]:
    if not calibration.tool_fits:
        return []
    told = (
        "Tool usage, as shares: replies with a tool call or an answer; correlation of P(no tool) with the teacher's; "
        "programs equal to the teacher's; answers copied rightly from the tool's output; direct answers that are true. "
        "Without the tool the model often calculates wrongly."
    )
    rows = [
        "| difficulty | problems | parsed | correlation | program | copied | direct |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    rows += [
        f"| {fit.difficulty} | {fit.problems} | {fit.parsed:.1%} | {fit.correlation:.3f} | {fit.right_program:.1%} "
        f"| {fit.right_copy:.1%} | {fit.right_direct:.1%} |"
        for fit in calibration.tool_fits
    ]
    return [told, "\n".join(rows)]


def _loop_sections(calibration: Calibration) -> list[str]:
    if not calibration.closed_loop:
        return []
    told = "Eight of them in a closed loop, all games, incentive ratio 1, collusion rate by round:"
    n_rounds = len(calibration.closed_loop[0].rates)
    rows = [
        "| threshold | " + " | ".join(f"r{r}" for r in range(1, n_rounds + 1)) + " |",
        "| --- " * (n_rounds + 1) + "|",
    ]
    rows += [
        f"| {loop.threshold} | " + " | ".join(f"{rate:.2f}" for rate in loop.rates) + " |"
        for loop in calibration.closed_loop
    ]
    return [told, "\n".join(rows)]
