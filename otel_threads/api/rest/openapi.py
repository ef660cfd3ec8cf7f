"""The OpenAPI document as it is true: what FastAPI writes, with our errors in their own type."""

import json
from importlib import resources
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from otel_threads.api.rest.route import BASE

PROBLEM = "application/problem+json"


def install(api: FastAPI) -> None:
    """Make the application answer with the corrected document."""

    def document() -> dict[str, Any]:
        if api.openapi_schema is None:
            made = get_openapi(
                title=api.title,
                version=api.version,
                description=api.description,
                routes=api.routes,
            )
            _correct(made)
            _show_examples(made)
            api.openapi_schema = made
        return api.openapi_schema

    api.openapi = document  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _correct(document: dict[str, Any]) -> None:
    for calls in document["paths"].values():
        for call in calls.values():
            responses = call["responses"]
            responses.pop("422", None)  # FastAPI's own shape of an error, which we never answer
            for status, response in responses.items():
                content = response.get("content", {})
                if status >= "400" and "application/json" in content:
                    response["content"] = {PROBLEM: content["application/json"]}
    schemas = document.get("components", {}).get("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)


def _show_examples(document: dict[str, Any]) -> None:
    """Add examples.json: a real server's answers, from tests/api/test_openapi_examples.py."""
    text = resources.files(__package__).joinpath("examples.json").read_text(encoding="utf-8")
    for name, example in json.loads(text).items():
        method, _, path = name.partition(" ")
        call = document["paths"][BASE + path][method.lower()]
        for parameter in call.get("parameters", ()):
            if parameter["name"] in example["parameters"]:
                parameter["example"] = example["parameters"][parameter["name"]]
        if "requestBody" in call:
            call["requestBody"]["content"]["application/json"]["example"] = example["body"]
        for code in ("200", "202"):
            content = call["responses"].get(code, {}).get("content", {})
            if "application/json" in content:
                content["application/json"]["example"] = example["answer"]
