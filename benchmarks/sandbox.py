"""Cost of a tool call in the sandbox, warm and cold, against a plain Python process that runs the same code.

python -m benchmarks.sandbox
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time

from atp_ray.sandbox.pool import SandboxPool

CODE = "from sympy import divisor_count; print(divisor_count(5040))"
WARM, COLD = 60, 5


async def main() -> None:
    """Measure and print medians in milliseconds, and their ratios to the reference."""
    reference = [_timed_process() for _ in range(COLD)]
    cold = [await _cold() for _ in range(COLD)]
    pool = SandboxPool()
    await pool.start()
    first, further = [], []
    for index in range(WARM):
        start = time.perf_counter()
        await pool.run(f"s{index}", CODE)
        middle = time.perf_counter()
        await pool.run(f"s{index}", CODE)
        further.append(time.perf_counter() - middle)
        first.append(middle - start)
        await pool.end(f"s{index}")
    await pool.close()
    base = statistics.median(reference)
    print(f"reference: a plain Python process   {1000 * base:8.1f} ms")
    for name, seconds in (
        ("cold pool, first call", cold),
        ("warm, new session", first),
        ("warm, same session", further),
    ):
        median = statistics.median(seconds)
        print(f"{name:<35} {1000 * median:8.1f} ms   ratio {median / base:.4f}   n = {len(seconds)}")


async def _cold() -> float:
    pool = SandboxPool()
    start = time.perf_counter()
    await pool.run("s", CODE)
    seconds = time.perf_counter() - start
    await pool.close()
    return seconds


def _timed_process() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", CODE], check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    asyncio.run(main())
