"""Fetch the page's libraries anew: `python -m otel_threads.ui.vendor`. For developers only.

Each is one file without a build step; the only change is that imports name files beside them.
Versions and licences stand in static/vendor/README.md, which this writes too.
"""

import io
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "static" / "vendor"


class Library(NamedTuple):
    """One library: where it is on npm, which file of it, and what it is for."""

    package: str
    version: str
    file: str
    name: str
    licence: str
    why: str


LIBRARIES = (
    Library(
        "preact",
        "11.2.0",
        "dist/preact.mjs",
        "preact.js",
        "MIT",
        "Draws the page from state, and escapes all text; 12 kB.",
    ),
    Library("preact", "11.2.0", "hooks/dist/hooks.mjs", "hooks.js", "MIT", "State of components."),
    Library(
        "htm",
        "3.1.1",
        "dist/htm.mjs",
        "htm.js",
        "Apache-2.0",
        "Markup in plain JavaScript, without a compiler; 1 kB.",
    ),
    Library(
        "markdown-it",
        "15.0.3",
        "dist/browser/markdown-it.esm.min.mjs",
        "markdown-it.js",
        "MIT",
        "Markdown of messages; escapes HTML itself.",
    ),
    Library(
        "dompurify",
        "3.4.18",
        "dist/purify.es.mjs",
        "purify.js",
        "Apache-2.0 or MPL-2.0",
        "The only way from text to markup: the page's Trusted Types policy.",
    ),
    Library(
        "@highlightjs/cdn-assets",
        "11.12.0",
        "es/highlight.min.js",
        "highlight.js",
        "BSD-3-Clause",
        "Colours of code; loaded when a message holds some.",
    ),
    Library(
        "uplot",
        "1.6.32",
        "dist/uPlot.esm.js",
        "uplot.js",
        "MIT",
        "Charts of the list on a canvas, with a brush; loaded when they are shown.",
    ),
    Library("uplot", "1.6.32", "dist/uPlot.min.css", "uplot.css", "MIT", "Places its layers."),
)


def fetch() -> None:
    """Write every library, its licence and the README."""
    FOLDER.mkdir(exist_ok=True)
    for library in LIBRARIES:
        with _package(library) as files:
            text = _member(files, f"package/{library.file}")
            text = re.sub(r"\n//# sourceMappingURL=.*\s*$", "\n", text)
            text = text.replace('from"preact"', 'from"./preact.js"')
            (FOLDER / library.name).write_text(text, encoding="utf-8")
            licence = _member(files, "package/LICENSE")
            name = library.package.split("/")[0].lstrip("@")
            (FOLDER / f"LICENSE.{name}.txt").write_text(licence, encoding="utf-8")
    (FOLDER / "README.md").write_text(readme(), encoding="utf-8")


def readme() -> str:
    """Return the table of what is here and why."""
    rows = "".join(
        f"| `{one.name}` | {one.package} {one.version} | {one.licence} | {one.why} |\n"
        for one in LIBRARIES
    )
    return (
        "# Libraries of the page\n\nUnchanged but for the paths of imports; "
        "written by `python -m otel_threads.ui.vendor`.\n\n"
        f"| file | from | licence | what for |\n| --- | --- | --- | --- |\n{rows}"
    )


def _package(library: Library) -> tarfile.TarFile:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(  # noqa: S603  # our own table
            ["npm", "pack", "--silent", f"{library.package}@{library.version}"],  # noqa: S607
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        packed = next(Path(folder).glob("*.tgz")).read_bytes()
    return tarfile.open(fileobj=io.BytesIO(packed))


def _member(files: tarfile.TarFile, name: str) -> str:
    found = files.extractfile(name)
    if found is None:
        raise ValueError(f"{name} is no file")
    return found.read().decode()


if __name__ == "__main__":
    fetch()
