"""What every command shares: errors become one line and exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from atp_ray.errors import AtpError


def run_command(main: Callable[[Sequence[str]], int]) -> NoReturn:
    """Run `main` on the command line and leave with its exit code.

    An `AtpError` prints as one line and gives 2, an interrupt 130; anything else is a bug and keeps its traceback.
    """
    try:
        code = main(sys.argv[1:])
    except AtpError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    sys.exit(code)
