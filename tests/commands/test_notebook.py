"""The notebook of examples/: each cell runs in order against a server with the demo conversations."""

import contextlib
import io
import json
from pathlib import Path

import httpx

NOTEBOOK = Path(__file__).parents[2] / "examples/analysis.ipynb"


def cells() -> list[str]:
    notebook = json.loads(NOTEBOOK.read_text())
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]


def test_the_notebook_runs(make_server, monkeypatch):
    server = make_server()
    httpx.post(f"{server.api}/demo", json={}).raise_for_status()
    server.wait_derived()
    monkeypatch.setenv("OTEL_THREADS_ENDPOINT", f"http://{server.addresses['http']}")
    names: dict[str, object] = {}
    printed = []
    for cell in cells():
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(cell, str(NOTEBOOK), "exec"), names)
        printed.append(out.getvalue())

    assert len(names["by_model"]) >= 2
    assert "<table>" in names["by_model"]._repr_html_()
    assert printed[0].strip()
    assert printed[4].strip()
    assert printed[5].startswith("1 ")
    assert "**User**" in printed[6] or "User" in printed[6]


def test_the_notebook_is_kept_without_outputs():
    """What somebody ran may hold conversations."""
    for cell in json.loads(NOTEBOOK.read_text())["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
