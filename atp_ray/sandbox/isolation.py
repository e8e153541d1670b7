"""How the sandbox is shut off from the host: bubblewrap's command line, and what is said where it cannot be used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from atp_ray.errors import UsageError
from atp_ray.sandbox.limits import SandboxLimits

Isolation = Literal["bubblewrap", "none"]
NOBODY = 65534
PACKAGES = ("numpy", "numpy.libs", "scipy", "scipy.libs", "sympy", "mpmath")
_INSIDE = "/packages"
_ENVIRONMENT = {
    "PATH": "/nowhere",
    "HOME": "/",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_PYTHON_FLAGS = ("-s", "-S", "-B")
_HINT = (
    "Install bubblewrap (apt-get install bubblewrap) and allow unprivileged user namespaces "
    "(sysctl kernel.unprivileged_userns_clone=1), or run the tool with your own rights: --sandbox none"
)


class Launch(NamedTuple):
    """How to start a server: command line and environment."""

    command: list[str]
    environment: dict[str, str]


def launches(isolation: Isolation, limits: SandboxLimits) -> list[Launch]:
    """Return the ways to start a server, best first.

    Raises:
        UsageError: isolation is asked for and bubblewrap is not installed; one line says how to get it.
    """
    values = json.dumps(limits.model_dump())
    if isolation == "none":
        packages = sysconfig.get_path("purelib")
        command = [sys.executable, *_PYTHON_FLAGS, str(_here("server.py")), packages, "plain", values]
        return [Launch(command, dict(_ENVIRONMENT))]
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise UsageError("Python written by models cannot be isolated: bubblewrap is missing", "--sandbox", _HINT)
    command = [bwrap, *_shut_off(), *_binds(), "--", *_inside_command(values)]
    # As root, bubblewrap is better started as nobody: the kernel then bounds the processes of that user.
    prefixes = [_as_nobody(), []] if os.geteuid() == 0 else [[]]
    return [Launch([*prefix, *command], {}) for prefix in prefixes]


def require_isolation(isolation: Isolation) -> None:
    """Check that this host can isolate, in well under a second.

    Raises:
        UsageError: it cannot; one line says why and how to enable it.
    """
    if isolation == "none":
        return
    reasons = []
    for launch in launches(isolation, SandboxLimits()):
        stop = launch.command.index("--")
        trial = [*launch.command[: stop + 1], _interpreter(), *_PYTHON_FLAGS, "-c", "pass"]
        try:
            done = subprocess.run(trial, capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.SubprocessError) as error:
            reasons.append(str(error))
            continue
        if done.returncode == 0:
            return
        reasons.append((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    raise cannot_isolate(reasons[-1])


def cannot_isolate(reason: str) -> UsageError:
    """Return the one error of a host on which the sandbox does not start."""
    return UsageError(f"Python written by models cannot be isolated: {reason}", "--sandbox", _HINT)


def _as_nobody() -> list[str]:
    """Return the command that runs what follows it as nobody; the event loops of Ray's actors know no such option."""
    program = (
        "import os, sys; os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1])); "
        "os.execv(sys.argv[2], sys.argv[2:])"
    )
    return [sys.executable, "-I", "-S", "-c", program, str(NOBODY)]


def _shut_off() -> list[str]:
    options = ["--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"]
    options += ["--uid", str(NOBODY), "--gid", str(NOBODY), "--hostname", "sandbox", "--clearenv"]
    for name, value in _ENVIRONMENT.items():
        options += ["--setenv", name, value]
    return options


def _binds() -> list[str]:
    """Return what of the host is seen inside, all of it read-only: the interpreter, its libraries, the packages."""
    binds: list[str] = []
    folders = {Path("/usr/lib"), Path("/usr/lib64"), Path(sysconfig.get_path("stdlib"))}
    if sys.base_prefix not in ("/usr", "/"):
        folders.add(Path(sys.base_prefix) / "lib")
    for folder in sorted(folder for folder in folders if folder.is_dir()):
        binds += _bind(folder, str(folder))
    for name in ("/lib", "/lib64"):
        path = Path(name)
        if path.is_symlink():
            binds += ["--symlink", str(path.readlink()), name]
        elif path.is_dir():
            binds += _bind(path, name)
    binds += _bind(Path(_interpreter()), _interpreter())
    site = Path(sysconfig.get_path("purelib"))
    for package in PACKAGES:
        if (site / package).is_dir():
            binds += _bind(site / package, f"{_INSIDE}/{package}")
    for name in ("server.py", "session_child.py", "seccomp.py"):
        binds += _bind(_here(name), f"/server/{name}")
    # /dev holds null, zero and random; everything is read-only, so there is nothing to fill and nothing to poison.
    return [*binds, "--dev", "/dev", "--remount-ro", "/dev", "--chdir", "/", "--remount-ro", "/"]


def _bind(source: Path, target: str) -> list[str]:
    return ["--ro-bind", str(source), target]


def _inside_command(limits: str) -> Sequence[str]:
    return [_interpreter(), *_PYTHON_FLAGS, "/server/server.py", _INSIDE, "seccomp", limits]


def _interpreter() -> str:
    return str(Path(sys.executable).resolve())


def _here(name: str) -> Path:
    return Path(__file__).resolve().parent / name
