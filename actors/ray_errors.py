"""The project's own errors, out of what Ray wraps around them on their way between processes."""

from __future__ import annotations

from atp_ray.errors import AtpError


def own_error(error: BaseException) -> BaseException:
    """Return the project's own error inside what Ray wrapped around it, or the error itself.

    Ray raises an object that is both its own error and ours, whose text is a traceback: the plain one is inside.
    """
    found, seen = error, error
    while (inner := getattr(seen, "cause", None) or seen.__cause__) is not None:
        seen = inner
        if isinstance(seen, AtpError):
            found = seen
    return found
