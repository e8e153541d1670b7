"""Sessions: stateful, apart from each other, rebuilt when they are lost, and a typed result for everything."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

import psutil
import pytest
import pytest_asyncio
from sandbox_pools import started_pool
from support import happens, needs_isolation, wait_until

from atp_ray.errors import UsageError
from atp_ray.sandbox.isolation import require_isolation
from atp_ray.sandbox.limits import SandboxLimits
from atp_ray.sandbox.pool import SandboxPool

pytestmark = [pytest.mark.asyncio(loop_scope="module"), needs_isolation]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pool() -> AsyncIterator[SandboxPool]:
    async with started_pool(wall_s=3.0, sessions=4, code_bytes=2000) as pool:
        yield pool


async def test_a_session_keeps_its_variables_and_its_errors_are_told(pool: SandboxPool) -> None:
    assert (await pool.run("a", "x = 5")).output == ""
    assert (await pool.run("a", "y = x + 1\nx * y")).output == "30\n"
    failed = await pool.run("a", "print(y)\nz = 1 / 0")
    assert failed.status == "error"
    assert failed.output.startswith("6\nTraceback")
    assert failed.output.endswith('File "<tool>", line 2, in <module>\nZeroDivisionError: division by zero\n')
    assert "server" not in failed.output
    assert (await pool.run("a", "(x, y)")).output == "(5, 6)\n"


async def test_sessions_do_not_see_each_other(pool: SandboxPool) -> None:
    await pool.run("mine", "x = 1")
    assert "NameError" in (await pool.run("theirs", "x")).output


async def test_the_promised_libraries_are_there_and_randomness_repeats(pool: SandboxPool) -> None:
    code = (
        "import math, fractions, itertools, sympy, numpy as np, scipy.optimize as so, random\n"
        "print(math.comb(5, 2), fractions.Fraction(2, 4), len(list(itertools.permutations('abc'))), sympy.prime(4),\n"
        "      np.arange(3).sum(), round(so.brentq(lambda x: x * x - 2, 0, 2), 3), random.random(), np.random.rand())"
    )
    first, second = await pool.run("one", code), await pool.run("two", code)
    assert first.output.startswith("10 1/2 6 7 3 1.414 ")
    assert first.output == second.output


@pytest.mark.parametrize(
    "code", ["print('é ∑ 日本 \\x00')", "'\ud800'", "def f(: pass", "\x00", "", "   ", "# nothing"]
)
async def test_odd_code_gives_a_result(pool: SandboxPool, code: str) -> None:
    assert (await pool.run("odd", code)).status in ("ok", "error")


async def test_a_limit_ends_the_process_but_not_what_was_known(pool: SandboxPool) -> None:
    await pool.run("limits", "x = 7")
    assert (await pool.run("limits", "x = 8\nwhile True: pass")).status == "time_limit"
    assert (await pool.run("limits", "x")).output == "7\n"


async def test_code_that_is_too_long_is_refused(pool: SandboxPool) -> None:
    assert (await pool.run("long", "#" * 3000)).status == "refused"


async def test_output_is_cut_where_it_ends_the_session() -> None:
    small = SandboxPool(limits=SandboxLimits(output_bytes=256))
    await small.start()
    result = await small.run("s", "print('y' * 1000)")
    await small.close()
    assert (result.status, len(result.output), result.truncated) == ("output_limit", 256, True)


async def test_more_sessions_than_fit_sleep_and_wake(pool: SandboxPool) -> None:
    for index in range(9):
        await pool.run(f"many {index}", f"x = {index}")
    assert pool.server_pid is not None
    children = psutil.Process(pool.server_pid).children(recursive=True)
    assert len(children) <= 4 + 3  # sessions, and the sandbox's own processes
    assert [(await pool.run(f"many {index}", "x")).output for index in range(9)] == [f"{i}\n" for i in range(9)]


def running(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_killed_or_hung_sandbox_is_replaced_and_its_sessions_rebuilt(how: signal.Signals) -> None:
    pool = SandboxPool(limits=SandboxLimits(wall_s=2.0))
    await pool.start()
    await pool.run("s", "x = 1")
    await pool.run("s", "x += 1")
    before = pool.server_pid
    assert before is not None
    inside = psutil.Process(before).children(recursive=True)
    for pid in (*(process.pid for process in inside if how == signal.SIGSTOP), before):
        os.kill(pid, how)
    if how == signal.SIGKILL:  # what is inside ends a moment later, and could still answer
        wait_until(lambda: not any(map(running, inside)), "the sandbox to end")
    assert (await pool.run("s", "x")).output == "2\n"
    assert pool.server_pid != before
    await pool.close()


async def test_a_sandbox_killed_in_the_middle_of_calls_loses_none() -> None:
    pool = SandboxPool(limits=SandboxLimits(wall_s=60, calls_at_once=4))
    await pool.start()
    await asyncio.gather(*(pool.run(f"s{i}", f"x = {i}") for i in range(4)))
    calls = [asyncio.create_task(pool.run(f"s{i}", "for _ in range(3_000_000): pass\nx")) for i in range(4)]
    assert pool.server_pid is not None
    sandbox = psutil.Process(pool.server_pid)

    def some_call_runs() -> bool:
        with suppress(psutil.NoSuchProcess):
            return psutil.STATUS_RUNNING in [each.status() for each in sandbox.children(recursive=True)]
        return False

    await happens(some_call_runs, "a call to run")
    os.kill(pool.server_pid, signal.SIGKILL)
    assert [(await call).output for call in calls] == ["0\n", "1\n", "2\n", "3\n"]
    await pool.close()


@pytest.mark.slow
async def test_nothing_is_left_after_closing() -> None:
    pool = SandboxPool()
    await pool.start()
    await pool.run("s", "1")
    assert pool.server_pid is not None
    processes = psutil.Process(pool.server_pid).children(recursive=True)
    await pool.close()
    psutil.wait_procs(processes, timeout=5)
    assert not [process for process in processes if process.is_running()]
    assert pool.server_pid is None


async def test_without_bubblewrap_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match=r"bubblewrap is missing.*apt-get install bubblewrap.*--sandbox none"):
        require_isolation("bubblewrap")
    with pytest.raises(UsageError, match="bubblewrap is missing"):
        await SandboxPool().start()


async def test_a_bubblewrap_that_may_not_isolate_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("bin")
    (folder / "bwrap").write_text("#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n")
    (folder / "bwrap").chmod(0o755)
    folder.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    with pytest.raises(UsageError, match=r"No permissions.*--sandbox none") as caught:
        require_isolation("bubblewrap")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
async def test_no_isolation_must_be_asked_for_and_works() -> None:
    pool = SandboxPool("none")
    assert pool.isolation == "none"
    await pool.start()
    assert (await pool.run("s", "open('/etc/passwd').read()[:4]")).output == "'root'\n"
    await pool.close()


async def test_a_full_temporary_disk_does_not_matter_as_nothing_is_written() -> None:
    # In a process that cannot write one byte to any file, which is what a full disk is to it.
    code = (
        "import asyncio, resource, signal\n"
        "from atp_ray.sandbox.pool import SandboxPool\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "async def main():\n"
        "    pool = SandboxPool()\n"
        "    await pool.start()\n"
        "    results = [await pool.run(str(i), f'x = {i}; x + 1') for i in range(5)]\n"
        "    results.append(await pool.run('0', 'open(\"/tmp/x\", \"w\")'))\n"
        "    await pool.close()\n"
        "    assert [r.status for r in results] == ['ok'] * 5 + ['error'], results\n"
        "asyncio.run(main())\n"
    )
    done = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stderr=asyncio.subprocess.PIPE, env=os.environ | {"TMPDIR": "/nowhere"}
    )
    _, complaint = await done.communicate()
    assert done.returncode == 0, complaint.decode()
