"""The OpenAPI document for people."""

from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code { font-family: ui-monospace, monospace; font-size: .92em; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; }
td, th { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0;
  border-bottom: 1px solid #8884; }
"""
_HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/style.css">
"""


def docs(openapi: dict[str, Any]) -> str:
    """Return the OpenAPI document as a page without scripts."""
    sections = []
    for path, methods in openapi["paths"].items():
        for method, call in methods.items():
            rows = "".join(
                f"<tr><td><code>{escape(p['name'])}</code>"
                f"{' (needed)' if p.get('required') else ''}"
                f"<td>{escape(p.get('description') or p['schema'].get('description', ''))}"
                for p in call.get("parameters", [])
            )
            sections.append(
                f"<h2><code>{method.upper()} {escape(path)}</code></h2>"
                f"<p>{escape(call.get('description', ''))}</p>"
                + (f"<table>{rows}</table>" if rows else "")
            )
    return (
        f"{_HEAD}<title>otel-threads API</title><h1>otel-threads API</h1>"
        f"<p>The machine-readable document: <a href='/openapi.json'>/openapi.json</a></p>"
        f"{''.join(sections)}</html>"
    )
