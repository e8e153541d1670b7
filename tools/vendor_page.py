"""Build the page's third-party files from npm (needs Node.js and npm): change VERSIONS, then run this script."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "serve_deployments" / "dashboard" / "vendor"
VERSIONS = {
    "esbuild": "0.28.2",  # builds; nothing of it is in a file
    "eventsource-client": "1.2.0",
    "eventsource-parser": "3.1.1",
    "htm": "3.1.1",
    "preact": "11.2.0",
    "uplot": "1.6.32",
}
README = """# Third-party files of the page

Built by `tools/vendor_page.py` from the npm packages in the table, bundled and minified by esbuild. Nothing is edited
by hand; the same versions make the same bytes, and `tests/serve_deployments/test_vendor.py` compares the files with the
table. They are served from this folder, so the page needs no network but the service's.

To renew them: change `VERSIONS` in the script, run it, and run `pytest tests/serve_deployments/test_dashboard.py`.

| file | package and version | licence | source | sha256 |
|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Bundle:
    """One file: the packages in it, and the module or style sheet that esbuild bundles."""

    file: str
    packages: tuple[str, ...]
    source: str


BUNDLES = (
    Bundle(
        "eventsource-client.js", ("eventsource-client", "eventsource-parser"), 'export * from "eventsource-client";'
    ),
    Bundle(
        "htm-preact.js", ("htm", "preact"), 'export { html, render } from "htm/preact"; export * from "preact/hooks";'
    ),
    Bundle("uPlot.css", ("uplot",), '@import "uplot/dist/uPlot.min.css";'),
    Bundle("uPlot.js", ("uplot",), 'export { default } from "uplot";'),
)


def build(bundle: Bundle, folder: Path) -> str:
    """Write one file and the licences of what is in it, and return its line of the table."""
    installed = folder / "node_modules"
    named = [f"{name} {VERSIONS[name]}" for name in bundle.packages]
    licences = [
        json.loads((installed / name / "package.json").read_text("utf-8"))["license"] for name in bundle.packages
    ]
    made_of = ", ".join(f"{name} ({licence})" for name, licence in zip(named, licences, strict=True))
    kind = bundle.file.rpartition(".")[2]
    options = ["--bundle", "--minify", "--format=esm", "--target=es2022", "--legal-comments=none", f"--loader={kind}"]
    banner = f"--banner:{kind}=/*! {made_of}; built by tools/vendor_page.py; do not edit */"
    command = [str(installed / ".bin" / "esbuild"), *options, banner]
    done = subprocess.run(command, cwd=folder, input=bundle.source.encode(), stdout=subprocess.PIPE, check=True)
    (FOLDER / bundle.file).write_bytes(done.stdout)
    for name in bundle.packages:
        shutil.copyfile(installed / name / "LICENSE", FOLDER / f"{name}.LICENSE")
    links = ", ".join(f"{licence} (`{name}.LICENSE`)" for name, licence in zip(bundle.packages, licences, strict=True))
    digest = hashlib.sha256(done.stdout).hexdigest()
    return f"| `{bundle.file}` | {', '.join(named)} | {links} | `{bundle.source}` | `{digest}` |\n"


def main() -> None:
    """Install the packages into a folder of its own and build every file."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = [f"{name}@{version}" for name, version in VERSIONS.items()]
        install = [
            "npm",
            "install",
            "--prefix",
            folder,
            "--no-save",
            "--no-package-lock",
            "--ignore-scripts",
            "--silent",
        ]
        subprocess.run([*install, *wanted], cwd=folder, check=True)
        lines = [build(bundle, Path(folder)) for bundle in BUNDLES]
    (FOLDER / "README.md").write_text(README + "".join(lines), "utf-8")


if __name__ == "__main__":
    main()
