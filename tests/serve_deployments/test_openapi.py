"""The whole OpenAPI document against the real service, by schemathesis: every route, good and bad input, links."""

import os
import re
import subprocess
import sys
from pathlib import Path

from live_service import CONTROL_TOKEN
from support import PATIENCE_S

from atp_ray.live.creation import Offer
from serve_deployments.simulation_api.access import Access
from serve_deployments.simulation_api.app import build_app
from serve_deployments.simulation_api.service import Service

HOOKS = Path(__file__).parents[1] / "schemathesis_hooks.py"
EXAMPLES = int(os.environ.get("ATP_RAY_FUZZ_EXAMPLES", 2))
LEAST_CASES = 2000


def test_nothing_fails_and_every_answer_is_as_documented(guarded, tmp_path) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("run", f"{guarded.url}/openapi.json", "--no-color", "--seed", "1", "--max-examples", str(EXAMPLES)),
        *("--header", f"Authorization: Bearer {CONTROL_TOKEN}"),
        *(
            "--phases",
            "examples,coverage,fuzzing,stateful",
            "--request-timeout",
            str(int(PATIENCE_S)),
            "--continue-on-failure",
        ),
        # Names of scenarios and checkpoints are looked up, and numbers must go together; a schema cannot say so.
        *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
    ]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": str(HOOKS)}
    options = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True}
    done = subprocess.run(command, **options, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Stateful" in done.stdout
    found = re.search(r"Tested: (\d+)", done.stdout)
    routes = [path for methods in document()["paths"].values() for path in methods]
    assert found is not None
    assert int(found.group(1)) == len(routes)
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated is not None
    print(f"{generated.group(1)} cases")
    assert int(generated.group(1)) >= LEAST_CASES


def test_the_document_describes_every_error_and_has_examples() -> None:
    for path, methods in document()["paths"].items():
        for method, route in methods.items():
            assert route["summary"], (method, path)
            for status, answer in route["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], (method, path, status)
    bodies = document()["components"]["schemas"]
    for name in (
        "NewGamesSimulation",
        "NewRolePlaySimulation",
        "NewToolUsageSimulation",
        "NewControl",
        "NewFork",
        "NewWhatIf",
    ):
        assert "example" in str(bodies[name]), name


def document() -> dict:
    return build_app(Service("none", "none", Offer({}, {}, 1, tools=True)), Access()).openapi()
