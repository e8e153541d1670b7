"""Nothing gets out: every attempt is tried in a real sandbox, which stays up and keeps answering."""

from __future__ import annotations

import os
import platform
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from sandbox_attempts import ATTEMPTS
from sandbox_pools import started_pool
from support import PATIENCE_S, needs_isolation

from atp_ray.sandbox.limits import SandboxLimits
from atp_ray.sandbox.pool import SandboxPool
from atp_ray.sandbox.results import ToolResult

pytestmark = [
    needs_isolation,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="raw system calls are numbered for x86_64"),
]
SECRET = "the host's secret"


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pool() -> AsyncIterator[SandboxPool]:
    os.environ["ATP_SECRET"] = SECRET
    async with started_pool(wall_s=PATIENCE_S, cpu_s=5, memory_mib=256) as pool:
        yield pool
    del os.environ["ATP_SECRET"]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hasty_pool() -> AsyncIterator[SandboxPool]:
    """A pool for what never ends by itself, which takes as long as it may."""
    async with started_pool(wall_s=0.5, cpu_s=5, memory_mib=256) as pool:
        yield pool


def filled(code: str, listener: socket.socket, folder: Path) -> str:
    secret = folder / "secret.txt"
    secret.write_text(SECRET)
    secret.chmod(0o644)
    values = {"port": listener.getsockname()[1], "project": str(Path(__file__).resolve().parents[2])}
    values["secret"] = str(secret)
    for name, value in values.items():
        code = code.replace(f"{{{name}!r}}", repr(value)).replace(f"{{{name}}}", str(value))
    return code.replace("{{", "{").replace("}}", "}")


def processes(pool: SandboxPool) -> int:
    assert pool.server_pid is not None
    return len(psutil.Process(pool.server_pid).children(recursive=True))


@pytest.mark.parametrize("name", ATTEMPTS)
async def test_it_does_not_get_out(
    pool: SandboxPool, listener: socket.socket, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    before, alive = pool.server_pid, processes(pool)
    result = await pool.run(name, filled(ATTEMPTS[name], listener, tmp_path_factory.mktemp("secret")))
    assert "ESCAPED" not in result.output
    assert SECRET not in result.output
    assert result.status in ("ok", "error", "killed", "time_limit", "memory_limit")
    assert (await pool.run(f"after {name}", "print(6 * 7)")).output == "42\n"
    await pool.end(name)
    await pool.end(f"after {name}")
    await pool.run("settle", "0")
    assert pool.server_pid == before
    assert processes(pool) <= alive + 1
    assert await pool.run("settle", "1 + 1") == ("ok", "2\n", pytest.approx(0, abs=10), False)


@pytest.mark.slow
async def test_there_are_enough_attempts_and_a_real_leak_would_be_noticed(
    listener: socket.socket, tmp_path: Path
) -> None:
    assert len(ATTEMPTS) >= 40
    leaky = SandboxPool("none", SandboxLimits(wall_s=3))
    os.environ["ATP_SECRET"] = SECRET
    await leaky.start()
    noticed = 0
    for name in ("tcp_loopback", "secret_file", "write_tmp", "fork", "system", "unix_socket", "proc_self_environ"):
        result = await leaky.run(name, filled(ATTEMPTS[name], listener, tmp_path))
        noticed += "ESCAPED" in result.output
    await leaky.close()
    assert noticed >= 5  # the same attempts succeed where nothing isolates


BOMBS = {
    "endless_loop": ("while True: pass", {"time_limit"}),
    "endless_loop_that_ignores_signals": (
        "import signal\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n"
        "while True: pass",
        {"time_limit"},
    ),
    "endless_sleep": ("import time; time.sleep(1e6)", {"time_limit"}),
    "endless_exceptions": ("while True:\n    try: 1 / 0\n    except BaseException: pass", {"time_limit"}),
    "deep_recursion": ("def f(): return f()\nf()", {"error"}),
    "deep_recursion_in_c": (
        "import sys\nsys.setrecursionlimit(10**8)\ndef f(): return f()\nf()",
        {"killed", "error", "time_limit", "memory_limit"},
    ),
    "memory_list": ("x = [0] * 10**10", {"memory_limit"}),
    "memory_bytes": ("x = bytearray(4 * 1024**3)", {"memory_limit"}),
    "memory_numpy": ("import numpy as np; x = np.ones(10**10)", {"memory_limit", "error"}),
    "memory_slowly": ("x = []\nwhile True: x.append(bytearray(10**6))", {"memory_limit", "time_limit"}),
    "memory_mmap": ("import mmap\nx = [mmap.mmap(-1, 2**28) for _ in range(99)]", {"error", "memory_limit"}),
    "endless_output": ("while True: print('y' * 1000)", {"output_limit"}),
    "endless_raw_output": ("import os\nwhile True: os.write(1, b'y' * 65536)", {"output_limit"}),
    "endless_error_output": ("import os\nwhile True: os.write(2, b'y' * 65536)", {"output_limit"}),
    "huge_result": ("'y' * 10**7", {"output_limit"}),
    "huge_power": ("9 ** 9 ** 9", {"time_limit", "memory_limit"}),
    "crash": ("import ctypes; ctypes.string_at(0)", {"killed"}),
    "exit": ("import os; os._exit(0)", {"killed"}),
    "abort": ("import os; os.abort()", {"killed"}),
    "closed_lines": ("import os; os.closerange(0, 9)", {"killed", "error"}),
    "forged_end": ("import os\nwhile True: os.write(3, b'o' * 999)", {"ok", "killed", "time_limit"}),
    "forged_memory": ("import os\nos.write(3, b'm')", {"ok", "memory_limit"}),
    "cpu_hog_in_c": ("sum(i * i for i in range(10**12))", {"time_limit"}),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_meets_its_bound_and_the_next_session_is_well(
    pool: SandboxPool, hasty_pool: SandboxPool, name: str
) -> None:
    code, statuses = BOMBS[name]
    endless = statuses == {"time_limit"} or name in ("huge_power", "deep_recursion_in_c")
    pool = hasty_pool if endless else pool
    before = pool.server_pid
    result = await pool.run(name, code)
    assert result.status in statuses
    assert len(result.output) <= pool.limits.output_bytes
    assert result.seconds < PATIENCE_S
    after = await in_time(pool, f"after {name}", "import math; print(math.comb(10, 3))")
    assert after.output == "120\n"
    assert pool.server_pid == before
    await pool.end(name)


async def in_time(pool: SandboxPool, session: str, code: str) -> ToolResult:
    """Run `code` until it ends within the pool's limit: on a busy machine half a second may be too little."""
    deadline = time.monotonic() + PATIENCE_S
    while (result := await pool.run(session, code)).status == "time_limit" and time.monotonic() < deadline:
        await pool.end(session)
    return result


POISONS = {
    "builtins": "import builtins; builtins.print = builtins.len = None",
    "math": "import math; math.sqrt = lambda x: 13",
    "modules": "import sys; sys.modules['math'] = sys.modules['sympy'] = None",
    "numpy": "import numpy; numpy.add = None; numpy.random.seed(99)",
    "stdout": "import sys; sys.stdout = sys.stderr = None",
    "path": "import sys; sys.path[:] = []; sys.meta_path[:] = []",
    "import_hook": "import builtins; builtins.__import__ = None",
    "exit_hook": "import atexit; atexit.register(print, 'poison')",
    "control_writer": "import os; os.write = os.read = None",
    "garbage_collector": "import gc; gc.set_threshold(1); gc.disable()",
    "recursion_limit": "import sys; sys.setrecursionlimit(60)",
    "variable": "secret = 'of this session'",
}


@pytest.mark.parametrize("name", POISONS)
async def test_a_poisoned_session_harms_no_other(pool: SandboxPool, name: str) -> None:
    await pool.run(f"poison {name}", POISONS[name])
    probe = (
        "import math, sympy, numpy, sys\n"
        "print(len('abc'), math.sqrt(9), sympy.factorint(12), numpy.add(1, 2), 'secret' in globals())"
    )
    result = await pool.run(f"victim {name}", probe)
    assert (result.status, result.output) == ("ok", "3 3.0 {2: 2, 3: 1} 3 False\n")
    await pool.end(f"poison {name}")
    await pool.end(f"victim {name}")
