"""Where files are: a path on this machine, or an address in an object store (`s3://`, `gs://`). Both are texts."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from atp_ray.errors import UsageError

SCHEMES = ("s3", "gs")


def is_address(place: str) -> bool:
    """Return whether a place is an address and no path."""
    return "://" in place


def checked_place(place: str) -> str:
    """Return a place as it is written everywhere.

    Raises:
        ValueError: an address of another kind, or one without a bucket.
    """
    if not is_address(place):
        return str(Path(place))
    parts = urlsplit(place)
    if parts.scheme not in SCHEMES:
        known = " and ".join(f"{scheme}://" for scheme in SCHEMES)
        raise ValueError(f"addresses of the kind {parts.scheme}:// are not known. Use a path, {known}")
    if not parts.netloc or parts.query or parts.fragment:
        raise ValueError(f"'{place}' is not {parts.scheme}://BUCKET/PATH")
    return place.rstrip("/")


def join(place: str, *names: str) -> str:
    """Return the place of something inside a place."""
    return "/".join((place.rstrip("/"), *names)) if is_address(place) else str(Path(place, *names))


def parent(place: str) -> str:
    """Return the place that holds a file.

    Raises:
        UsageError: an address that is a bucket only.
    """
    if not is_address(place):
        return str(Path(place).parent)
    if not urlsplit(place).path:
        raise UsageError("names a bucket and no file in it", place, "Add the file's name")
    return place.rstrip("/").rpartition("/")[0]


def base_name(place: str) -> str:
    """Return the last part of a place."""
    return place.rstrip("/").rpartition("/")[2]


def hidden(name: str) -> bool:
    """Return whether a file of a folder is nobody else's business: a lock, a claim, or one that is not complete yet."""
    return any(part.startswith(".") for part in name.split("/"))


def cache_folder() -> Path:
    """Return this user's cache on this machine; whatever is in it may be deleted while no command runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "atp_ray"
