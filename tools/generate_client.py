"""Make the blocking client from the awaited one: `generate_client.py` writes it, `--check` says whether it is stale."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import unasync

FOLDER = Path(__file__).resolve().parents[1] / "atp_ray" / "client"
SOURCE = "asynchronous.py"
TARGET = "blocking.py"
FIRST_LINE = "# Generated from asynchronous.py by tools/generate_client.py; do not edit.\n"
# Beside what unasync knows of the language itself (async, await, __aenter__, AsyncIterator).
REPLACEMENTS = {
    "AsyncClient": "Client",  # ours and httpx's
    "aclose": "close",
    "aread": "read",
    "aconnect_sse": "connect_sse",
    "aiter_sse": "iter_sse",
    "asyncio": "time",  # for sleep
}


def generate() -> str:
    """Return the text of the blocking client."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, SOURCE), Path(folder, TARGET)
        source.write_text((FOLDER / SOURCE).read_text("utf-8"), "utf-8")
        unasync.unasync_files([str(source)], [unasync.Rule(f"/{SOURCE}", f"/{TARGET}", REPLACEMENTS)])
        text = FIRST_LINE + target.read_text("utf-8")
    # Shorter without `async` and `await`, some lines now fit where they were broken.
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(FOLDER / TARGET), "-"]
    return subprocess.run(command, input=text, capture_output=True, encoding="utf-8", check=True).stdout


def main() -> int:
    """Write the blocking client, or with `--check` only compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the file is stale")
    check: bool = parser.parse_args().check
    target, text = FOLDER / TARGET, generate()
    if not check:
        target.write_text(text, "utf-8")
    elif target.read_text("utf-8") != text:
        print(f"{TARGET} is not what {SOURCE} makes: run python tools/generate_client.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
