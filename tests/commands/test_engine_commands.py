"""Commands and HTTP clients on a real engine: the README's session, OpenAI clients, pairs, maths with tools."""

import json
import subprocess

import httpx
import pytest
from command_runs import ROOT, contents, run_here
from live_service import wait_until_over
from support import PATIENCE_S, needs_isolation

from atp_ray.alignment.pairs import read_pairs
from atp_ray.errors import UsageError
from atp_ray.live.schemas import RoundDecisions
from atp_ray.storage.tables import read_table


@pytest.fixture
def served(tiny_service):
    """The OpenAI-compatible front of the service."""
    return tiny_service.openai_url


def test_the_curl_session_of_the_readme(tiny_service, tmp_path) -> None:
    text = (ROOT / "README.md").read_text().split("<!-- session -->\n```sh\n")[1].split("```")[0]
    assert "http://127.0.0.1:8000/v1" in text
    script = text.replace("http://127.0.0.1:8000", tiny_service.url)
    done = subprocess.run(
        ["bash", "-eu", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "problem" not in done.stdout
    compared = json.loads(done.stdout[done.stdout.rindex('{"differences"') :])
    assert [row["round"] for row in compared["differences"]] == list(range(2, 13))
    assert "Not a statement about Qwen or Llama" in compared["label"]
    events = (tmp_path / "events.txt").read_text()
    assert events.count("event: round\n") == events.count("event: decisions\n") == 12
    with tiny_service.client() as client:
        # Other tests play maths on the same service.
        parent, branch = (known for known in client.simulations().simulations if known.paradigm == "games")
        assert (parent.checkpoints, parent.status) == ({"tiny": 6, "policy:refrain": 2}, "finished")
        assert (branch.threshold, branch.parent.round, branch.checkpoints) == (7, 1, {"tiny": 8})
        decided = client.decisions(parent.id).to_pandas()
        assert decided[decided["round"] > 5].query("seat < 2").action.eq("aligned").all()
        assert len(decided) == 12 * 8


def test_the_service_answers_while_its_engine_starts(tiny_service) -> None:
    assert "tiny" in tiny_service.first_health.checkpoints
    assert tiny_service.client().health().starting == {}


@needs_isolation
def test_problems_are_solved_live_with_the_tool_and_branched(tiny_service) -> None:
    with tiny_service.client() as client:
        one = client.create(scenario="maths", rounds=3, seed=2, players=[{"checkpoint": "tiny", "seats": 1}])
        assert (one.paradigm, one.n_agents, one.setting) == ("tool_usage", 1, {"tool_cost": 3.0, "direct_cost": 1.0})
        assert client.memory(one.id, 0).messages[1].content.startswith("Problem: ")
        client.step(one.id)
        wait_until_over(client, one.id, "paused")
        branch = client.fork(one.id, 1, [{"kind": "erase_memory", "seats": [0]}])
        known = client.memory(one.id, 0).messages[1].content
        assert known.startswith(("Your experience so far:", "Problem: "))
        assert client.memory(branch.id, 0).messages[1].content.startswith("Problem: ")
        with pytest.raises(UsageError, match="not shown their past replies"):
            client.intervene(branch.id, {"kind": "edit_memory", "seat": 0, "round": 1, "reply": "x"})
        for simulation_id in (one.id, branch.id):
            client.run(simulation_id)
            wait_until_over(client, simulation_id)
        usage, branched = (client.metrics(simulation_id).usage["tiny"] for simulation_id in (one.id, branch.id))
        assert usage.requests >= 2 * 3
        assert usage.prompt_tokens > usage.completion_tokens > 0
        assert branched.requests >= 2 * 2  # the first round is its parent's
        told = list(client.events(one.id, follow=False))
        assert sum(isinstance(event, RoundDecisions) for event in told) == 3
        decided = client.decisions(one.id, text=True).to_pandas()
        assert decided["choice"].isin(["use the tool", "reason directly"]).all()
        assert decided["reply"].str.contains("boxed|<output>").any()
        assert "Problem: " not in client.memory(one.id, 0).messages[1].content
        with pytest.raises(UsageError, match="cannot solve problems"):
            client.create(scenario="maths", players=[{"checkpoint": "policy:quantal", "seats": 1}])


def test_the_model_answers_openai_clients_over_http(served) -> None:
    assert [model["id"] for model in httpx.get(f"{served}/models").json()["data"]] == ["tiny"]
    body = {"model": "tiny", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 5, "seed": 1}
    answer = httpx.post(f"{served}/chat/completions", json=body, timeout=60)
    assert answer.status_code == 200
    assert answer.json()["usage"]["completion_tokens"] <= 5


@needs_isolation
def test_table2_stopped_by_a_limit_on_tokens_resumes_to_the_results_of_an_unlimited_run(tiny_service, tmp_path) -> None:
    arguments = ["--grid", "table2", "--checkpoint", "tiny", "--set", "agents=12", "--set", "rounds=3",
                 "--agents-per-actor", "12"]  # fmt: skip
    unlimited, run = tmp_path / "unlimited", tmp_path / "run"
    done = run_here("sweep", *arguments, "--out", unlimited)
    assert done.returncode == 0, done.stdout + done.stderr
    for text in ("tool usage", "accuracy", "paper: Qwen3-8B + DPO", "table2_tool_usage.svg", "solutions"):
        assert text in done.stdout
    assert manifest(unlimited)["sandbox"] == "bubblewrap"
    used, estimate = (manifest(unlimited)[key]["checkpoints"]["tiny"] for key in ("costs", "costs_estimate"))
    assert used["requests"] == sum(read_table(unlimited, "decisions")["attempts"].to_pylist())
    tokens = used["prompt_tokens"] + used["completion_tokens"]
    assert estimate["prompt_tokens"] + estimate["completion_tokens"] == pytest.approx(tokens, rel=0.1)
    limit = tokens // 2
    done = run_here("sweep", *arguments, "--out", run, "--max-tokens-total", limit)
    assert done.returncode == 2
    assert f"error: the run stopped at --max-tokens-total {limit}: " in done.stderr
    assert f"Next:    python -m atp_ray.sweep --resume --out {run}" in done.stdout
    assert manifest(run)["status"] == "stopped"
    spent = manifest(run)["costs"]["checkpoints"]["tiny"]
    # Rounds are booked at what they are expected to take, which the estimate of the whole run says to a tenth too.
    assert 0.8 * limit < spent["prompt_tokens"] + spent["completion_tokens"] < 1.1 * limit
    again = run_here("sweep", "--resume", "--out", run, "--max-tokens-total", limit)
    assert again.returncode == 2
    assert "no round is left at --max-tokens-total" in again.stderr
    done = run_here("sweep", "--resume", "--out", run, "--agents-per-actor", "6", "--max-tokens-total", 2 * tokens)
    assert done.returncode == 0, done.stdout + done.stderr
    assert manifest(run)["status"] == "complete"
    assert timeless(run) == timeless(unlimited)
    assert manifest(run)["costs"]["checkpoints"]["tiny"] == used
    assert manifest(run)["costs"]["wall_s"] > manifest(unlimited)["costs"]["wall_s"] / 2
    keys = [(row["episode_id"], row["round"]) for row in read_table(run, "decisions").to_pylist()]
    assert len(keys) == len(set(keys)) == 36
    solutions = read_table(run, "solutions").to_pylist()
    assert solutions == read_table(unlimited, "solutions").to_pylist()
    assert len(solutions) == 72
    assert any("ok" in row["tool_statuses"] for row in solutions)


def manifest(run) -> dict:
    return json.loads((run / "run.json").read_text())


def timeless(run) -> dict:
    """Everything in the four datasets of a run but the seconds that replies took."""
    tables = contents(run)
    for row in tables["decisions"]:
        del row["latency_s"]
    return tables


def test_pairs_are_collected_continued_exported_and_imported(served, tmp_path) -> None:
    out = tmp_path / "pairs"
    arguments = ["pairs", "--paradigm", "role_play", "--checkpoint", "openai:tiny", "--base-url", served,
                 "--elicitation", "plain", "--tries", "60", "--out", out]  # fmt: skip
    done = run_here("align", *arguments, "--count", "6")
    assert done.returncode == 0, done.stderr
    first = read_pairs(out / "pairs.parquet")
    done = run_here("align", *arguments, "--count", "6")
    assert done.returncode == 0, done.stderr
    assert f"{len(first)} pairs already collected" in done.stdout
    assert read_pairs(out / "pairs.parquet")[0] == first[0]
    assert run_here("align", "export", out, "--out", tmp_path / "lf.json").returncode == 0
    assert set(json.loads((tmp_path / "lf.json").read_text())[0]) == {"instruction", "system", "chosen", "rejected"}
    assert run_here("align", "import", tmp_path / "lf.json", "--out", tmp_path / "back").returncode == 0
    assert [pair.chosen for pair in read_pairs(tmp_path / "back" / "pairs.parquet")] == [
        pair.chosen for pair in read_pairs(out / "pairs.parquet")
    ]


def test_any_compatible_endpoint_plays_a_maths_session_and_a_role_play_whose_traces_are_shown(served, tmp_path) -> None:
    model = ["--checkpoint", "openai:tiny", "--base-url", served, "--set", "sampling.max_tokens=96", "--rounds", "2"]
    done = run_here("simulate", "--scenario", "maths", *model, "--sandbox", "none", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    for text in ("The tool costs 3 units, reasoning directly 1", "Round 2", "simple", "complex", "units:"):
        assert text in done.stdout
    actions = read_table(tmp_path / "run", "decisions")["action"].to_pylist()
    assert len(actions) == 2
    assert set(actions) <= {"deviant", "aligned"}
    done = run_here("simulate", "--scenario", "delivery_worker", *model, "--supervision", "alternating")
    assert done.returncode == 0, done.stderr
    for text in ("Rule: Route A", "supervision alternating", "Round 1: unsupervised", "Round 2: supervised", "earns $"):
        assert text in done.stdout
