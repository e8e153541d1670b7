"""One session inside the sandbox: a forked child that gives up everything but computing, and runs what a model wrote.

Loaded beside `server.py`, so it imports nothing of the project.
"""

from __future__ import annotations

import ast
import ctypes
import os
import random
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

_PR_SET_PDEATHSIG = 1
_OPEN_FILES = 64
_STACK_BYTES = 64 * 1024**2
_TRACEBACK_PARTS = 6
_MIB = 1024**2


def become_child(
    control: int, output: int, limits: dict[str, Any], secure: Callable[[], None], address_space: int
) -> None:
    """Give up everything but computing, then run code until the control line ends."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    silence = os.open("/dev/null", os.O_RDONLY)
    os.dup2(silence, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(control, 3)
    os.closerange(4, _OPEN_FILES * 64)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    memory = address_space + limits["memory_mib"] * _MIB
    bounds = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_STACK: _STACK_BYTES,
    }
    for kind, bound in bounds.items():
        resource.setrlimit(kind, (bound, bound))
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_s"], limits["cpu_s"] + 1))
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - lives as long as the process
    sys.stdout = sys.stderr = open(1, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    secure()
    serve_code(sys.stdout.flush)


def serve_code(flush: Callable[[], None]) -> None:
    """Run each code that comes on file 3 in one namespace, and answer with one byte: ok, error or memory."""
    random.seed(0)  # Python seeds it anew after a fork
    namespace: dict[str, Any] = {"__name__": "__main__"}
    write, read = os.write, os.read  # model code may replace the module's own; that is its own affair
    while head := _read_exactly(read, 4):
        code = _read_exactly(read, int.from_bytes(head, "big")).decode("utf-8", "surrogatepass")
        word = run_code(code, namespace)
        try:
            flush()
        except (OSError, ValueError):
            word = b"e"
        write(3, word)


def run_code(code: str, namespace: dict[str, Any]) -> bytes:
    """Execute code as a REPL would: the value of a last expression is printed; what is raised is printed too."""
    try:
        tree = ast.parse(code, "<tool>")
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "<tool>", "exec"), namespace)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "<tool>", "eval"), namespace)
            if value is not None:
                print(repr(value))
    except MemoryError:
        return b"m"
    except BaseException as error:  # whatever model code raises, exits included, is the result of its call
        frames = error.__traceback__
        while frames is not None and frames.tb_frame.f_code.co_filename != "<tool>":
            frames = frames.tb_next  # the server's own frames are no news to a model
        lines = traceback.format_exception(type(error), error, frames)
        print("".join(lines[-_TRACEBACK_PARTS:]).strip())
        return b"e"
    return b"o"


def _read_exactly(read: Callable[[int, int], bytes], size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = read(3, size - len(data))
        if not part:
            return b""
        data += part
    return data
