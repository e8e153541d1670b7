"""What schemathesis must know of the API beyond its document, and how much of what it thinks of is sent."""

import os
import zlib
from typing import Any

import schemathesis

# Bodies of simulations have so many fields that ten thousand differ in one; every shape of fault is there many times.
ONE_IN = int(os.environ.get("ATP_RAY_FUZZ_ONE_IN", 5))


@schemathesis.hook
def filter_case(context: Any, case: schemathesis.Case) -> bool:
    """Send one body in a few, always the same ones, of those that are made to differ in one place."""
    phase = case.meta and case.meta.phase.name.value
    if phase != "coverage" or not isinstance(case.body, dict):
        return True
    return zlib.crc32(repr((case.method, case.path, case.body)).encode()) % ONE_IN == 0


@schemathesis.hook
def before_call(context: Any, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """A stream that follows a simulation does not end by itself."""
    if case.path.endswith("/events"):
        case.query = {**(case.query or {}), "follow": "false"}
