"""The page's third-party files are what their README says they are."""

import hashlib
import re

from serve_deployments.simulation_api.pages import FOLDER

VENDOR = FOLDER / "vendor"
ROW = re.compile(r"^\| `(.+?)` \| (.+?) \| (.+?) \| .+ \| `([0-9a-f]{64})` \|$", re.M)


def test_third_party_files_are_as_built_and_say_what_they_are() -> None:
    rows = ROW.findall((VENDOR / "README.md").read_text("utf-8"))
    assert {file for file, *_ in rows} == {path.name for path in VENDOR.iterdir() if path.suffix in (".js", ".css")}
    for file, packages, licences, digest in rows:
        content = (VENDOR / file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest, f"{file} was edited: run tools/vendor_page.py"
        first = content.decode().splitlines()[0]
        assert all(package in first for package in packages.split(", ")), first
        for name in re.findall(r"`(.+?)`", licences):
            assert (VENDOR / name).is_file()
