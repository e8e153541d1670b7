"""A run as Inspect's logs: read back by Inspect's own data frames, it is the Parquet of the run."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from inspect_runs import needs_inspect, write_sweep
from support import play, record_round, tool_spec

from atp_ray.errors import UsageError
from atp_ray.play.actions import Action
from atp_ray.play.decisions import TurnFailure
from atp_ray.play.problems import Solution
from atp_ray.play.rounds import settle_round
from atp_ray.report.__main__ import main
from atp_ray.storage.tables import read_table

pytestmark = [needs_inspect, pytest.mark.xdist_group("inspect")]
GAMES = {
    "population": "tiny:3,policy:collude:1", "thresholds": [2, 4], "seeds": 2, "scenarios": "info_sharing,hunting_game",
}  # fmt: skip
THOUGHT = "<think>\nThe others may join.\n</think>\n\n"


def play_tiny(spec):
    """Rounds as a model may leave them: thinking, tokens, replies that cannot be read or never came."""
    settled = []
    rng = np.random.default_rng(spec.seed)
    n = spec.parameters.n_agents
    for number in range(1, spec.rounds + 1):
        actions = rng.choice(4, n, p=[0.4, 0.4, 0.1, 0.1]).tolist()
        decisions = record_round(spec, settled, actions).decisions
        failures = [TurnFailure(i, number, "ModelError", "gone: 1") for i in range(n) if actions[i] == Action.MISSING]
        failures += [TurnFailure(i, number, "Unparsed", "no_decision") for i in range(n) if actions[i] == 2]
        replies = [
            "I will not say." if actions[i] == Action.UNPARSED else text for i, text in enumerate(decisions.reply_A)
        ]
        spent = rng.integers(1, 4, n)
        decisions = decisions._replace(
            reply_A=tuple(text and THOUGHT + text for text in replies), failures=tuple(failures), attempts_A=spent,
            prompt_tokens_A=100 * spent, completion_tokens_A=20 * spent, latency_A=0.25 * spent,
        )  # fmt: skip
        settled.append(settle_round(spec, settled, decisions))
    return settled


def solve(spec):
    """Rounds in which the simple problem is solved directly and the complex one with two tool calls."""
    settled = []
    steps = (
        "I count. <tool>print(6)</tool>\n<output>\n6\n</output>\n<tool>print(1/0)</tool>\n<output>\nerror\n</output>\n"
    )
    for played in spec.parameters.problems:
        simple, hard = played.every
        solutions = (
            Solution(simple.problem_id, "simple", False, "7", True, 1.0, "It is \\boxed{7}"),
            Solution(hard.problem_id, "complex", True, "6", False, 3.0, steps + "\\boxed{6}", ("ok", "error")),
        )
        decisions = record_round(spec, settled, [Action.ALIGNED]).decisions
        decisions = decisions._replace(solutions_A=(solutions,), reply_A=(solutions[-1].reply,))
        settled.append(settle_round(spec, settled, decisions))
    return settled


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("run")
    write_sweep(run, GAMES, play_tiny)
    assert main(["export", str(run), "--to", "inspect"]) == 0
    return run


def logs_of(run: Path):
    from inspect_ai.log import read_eval_log

    paths = sorted((run / "export-inspect").glob("*.eval"))
    return [read_eval_log(str(path), resolve_attachments=True) for path in paths]


def decisions_of(run: Path) -> pd.DataFrame:
    return read_table(run, "decisions").to_pandas().sort_values(["episode_id", "seat", "round"], ignore_index=True)


@pytest.mark.slow
def test_samples_are_our_seats_and_their_scores_our_decisions(exported) -> None:
    from inspect_ai.analysis import samples_df

    samples, decisions = samples_df(str(exported / "export-inspect")), decisions_of(exported)
    assert len(samples) == 2 * 2 * 2 * 4
    keys = ["metadata_episode_id", "metadata_seat"]
    long = samples.melt([*keys, "epoch", "metadata_seed"], [f"score_round_{number}" for number in (1, 2, 3)])
    long["round"] = long["variable"].str[-1].astype(int)
    long = long.sort_values([*keys, "round"], ignore_index=True)
    assert long["metadata_episode_id"].tolist() == decisions["episode_id"].tolist()
    assert long["metadata_seat"].tolist() == decisions["seat"].tolist()
    assert (long["epoch"] == long["metadata_seed"] + 1).all()
    deviant = decisions["action"].map({"deviant": 1.0, "aligned": 0.0})
    deviant[decisions["checkpoint"] == "policy:collude"] = math.nan  # takes part, and is not studied
    pd.testing.assert_series_equal(long["value"].astype(float), deviant, check_names=False)
    assert 0 < deviant.isna().sum() < len(deviant)

    tokens = decisions.groupby(["episode_id", "seat"])[["prompt_tokens", "completion_tokens"]].sum()
    used = {
        (row["metadata_episode_id"], row["metadata_seat"]): json.loads(row["model_usage"])[row["metadata_checkpoint"]]
        for row in samples.to_dict("records")
    }
    assert {place: (one["input_tokens"], one["output_tokens"]) for place, one in used.items()} == {
        place: tuple(row) for place, row in zip(tokens.index, tokens.to_numpy().tolist(), strict=True)
    }
    assert samples["total_tokens"].sum() == tokens.to_numpy().sum()


def test_what_is_no_score_is_in_its_metadata(exported) -> None:
    rows = read_table(exported, "decisions").to_pylist()
    decisions = {(row["episode_id"], row["seat"], row["round"]): row for row in rows}
    seen = set()
    for log in logs_of(exported):
        for sample in log.samples:
            for name, score in sample.scores.items():
                place = (sample.metadata["episode_id"], sample.metadata["seat"], int(name.removeprefix("round_")))
                row = decisions[place]
                assert score.answer == row["choice"]
                assert score.metadata["action"] == row["action"]
                assert score.metadata["attempts"] == row["attempts"]
                assert score.metadata["capital_after"] == row["capital_after"]
                assert score.metadata.get("failure") == row["failure"]
                assert score.metadata["success"] in (True, False)
                seen.add((row["action"], score.reason))
    assert {("missing", "no_response"), ("unparsed", "invalid_response_format"), ("deviant", None)} <= seen
    assert ("deviant", "fixed_seat") in seen


def test_results_are_the_rates_of_our_tables(exported) -> None:
    cells = {(row["cell_id"], row["round"]): row for row in read_table(exported, "cells").to_pylist()}
    assert len(cells) == 6
    for log in logs_of(exported):
        for score in log.results.scores:
            row = cells.pop((log.eval.task_id, int(score.name.removeprefix("round_"))))
            for name in ("deviant_rate", "ci_low", "ci_high", "n_decisions", "n_undecided"):
                assert score.metrics[name].value == row[name]
        assert (log.eval.model, log.eval.config.epochs) == ("tiny:3,policy:collude:1", 2)
        assert log.eval.task == f"games n4-t{log.eval.task_args['threshold']}-g1"
        assert "Not a statement about Qwen or Llama" in log.eval.metadata["label"]
        assert {"atp_ray", "games", "embedded"} <= set(log.eval.tags)
    assert not cells


def test_unreadable_replies_count_in_samples_as_in_our_tables(tmp_path) -> None:
    write_sweep(tmp_path, GAMES | {"unreadable": "counted"}, play_tiny)
    assert main(["export", str(tmp_path), "--to", "inspect"]) == 0
    assert "unparsed" in read_table(tmp_path, "decisions")["action"].to_pylist()
    cells = {(row["cell_id"], row["round"]): row for row in read_table(tmp_path, "cells").to_pylist()}
    for log in logs_of(tmp_path):
        scored = {
            score.name: [sample.scores[score.name].value for sample in log.samples] for score in log.results.scores
        }
        for name, values in scored.items():
            row = cells[log.eval.task_id, int(name.removeprefix("round_"))]
            read = [value for value in values if not math.isnan(value)]
            assert (len(read), np.mean(read)) == (row["n_decisions"], pytest.approx(row["deviant_rate"]))


def test_a_sample_reads_as_the_conversation_and_each_request_as_it_was_sent(exported) -> None:
    log = logs_of(exported)[0]
    sample = next(one for one in log.samples if one.metadata["seat"] == 0)
    roles = [message.role for message in sample.messages]
    assert roles == ["system", "user", "assistant", *["user", "user", "user", "assistant"] * 2]
    own = [message for message in sample.messages if message.role == "assistant"]
    played = [score.metadata["action"] for score in sample.scores.values()]
    for message, action in zip(own, played, strict=True):
        if action == "missing":
            assert message.text == "(no valid decision)"
        else:
            assert message.content[0].reasoning == "The others may join."
            assert "<think>" not in message.text
    requests = [event for event in sample.events if event.event == "model"]
    assert [len(event.input) for event in requests] == [2, 6, 10]
    for event, index in zip(requests, (2, 6, 10), strict=True):
        before = [(message.role, message.text) for message in sample.messages[:index]]
        assert [(message.role, message.text) for message in event.input] == before
    outcomes = [event.data["action"] for event in sample.events if event.event == "info"]
    assert outcomes == played


def test_tool_calls_are_tool_events_and_tool_messages(tmp_path) -> None:
    grid = {"paradigm": "tool_usage", "checkpoints": ["tiny"], "agents": 2, "rounds": 2}
    write_sweep(tmp_path, grid, solve)
    main(["export", str(tmp_path), "--to", "inspect"])
    (log,) = logs_of(tmp_path)
    assert [sample.id for sample in log.samples] == ["maths-1/seat-0", "maths-2/seat-0"]
    for sample in log.samples:
        calls = [event for event in sample.events if event.event == "tool"]
        assert [event.arguments["code"] for event in calls] == ["print(6)", "print(1/0)"] * 2
        assert [event.result for event in calls] == ["6", "error"] * 2
        assert [event.error is None for event in calls] == [True, False] * 2
        told = [message for message in sample.messages if message.role == "tool"]
        assert [message.text for message in told] == ["<output>\n6\n</output>", "<output>\nerror\n</output>"] * 2
        assert [message.tool_call_id for message in told] == [event.id for event in calls]
        assert len({event.id for event in calls}) == 4
        own = [message for message in sample.messages if message.role == "assistant"]
        assert [len(message.tool_calls or ()) for message in own] == [0, 1, 1, 0] * 2
        assert sum(message.role == "system" for message in sample.messages) == 1
        assert [score.value for score in sample.scores.values()] == [0, 0]
        assert {score.metadata["correct"] for score in sample.scores.values()} == {False}


def test_the_same_run_gives_the_same_logs(exported) -> None:
    before = [log.model_dump_json() for log in logs_of(exported)]
    main(["export", str(exported), "--to", "inspect"])
    assert [log.model_dump_json() for log in logs_of(exported)] == before


def test_a_policy_is_said_to_be_no_model(tmp_path) -> None:
    write_sweep(tmp_path, {"checkpoints": ["policy:quantal"], "thresholds": [4], "scenarios": "info_sharing"}, play)
    main(["export", str(tmp_path), "--to", "inspect", "--out", str(tmp_path / "export-inspect")])
    (log,) = logs_of(tmp_path)
    assert "no language model" in log.eval.metadata["label"]
    assert all("no language model" in sample.metadata["policy"] for sample in log.samples)


def test_a_run_whose_prompts_cannot_be_rebuilt_is_refused_in_one_line(tmp_path) -> None:
    write_sweep(tmp_path, {"checkpoints": ["policy:quantal"], "thresholds": [4], "scenarios": "info_sharing"}, play)
    manifest = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps(manifest | {"cell_ids": ["another"]}))
    with pytest.raises(UsageError, match="have changed since it was played"):
        main(["export", str(tmp_path), "--to", "inspect"])
    del manifest["checkpoints"]
    (tmp_path / "run.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match="is no run of a sweep"):
        main(["export", str(tmp_path), "--to", "inspect"])


def test_prompts_of_a_tool_spec_are_named_by_their_number() -> None:
    from atp_ray.inspect_tasks.sample_names import sample_names

    one, two = tool_spec(seed=1), tool_spec(seed=2)
    assert sample_names([one, one, two]) == ["maths-1", "maths-1", "maths-2"]
    assert sample_names([one]) == ["maths"]
