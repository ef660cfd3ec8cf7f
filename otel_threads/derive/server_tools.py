"""Tools that a model's own server runs while it answers: web search, code, files, images.

APIs tell of them as parts of the answer, each in its own words; here they are calls of a tool, with
a result where one is told.

Source: OpenAI's Responses items, Anthropic's server tools, Gemini's code execution, Bedrock's and
OpenTelemetry's parts of the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ServerTool:
    """A call of such a tool, its result, or both."""

    id: str | None
    name: str
    arguments: Any = None
    result: Any = None
    is_call: bool = True
    has_result: bool = False


# OpenAI's items: the tool's name, the keys of what it was asked, those of what it found.
ITEMS: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "web_search_call": ("web_search", ("action", "query"), ("results",)),
    "file_search_call": ("file_search", ("queries",), ("results",)),
    "code_interpreter_call": ("code_interpreter", ("code",), ("outputs",)),
    "image_generation_call": ("image_generation", ("prompt", "revised_prompt"), ()),
    "computer_call": ("computer", ("action",), ("output",)),
    "local_shell_call": ("local_shell", ("action",), ("output",)),
    "shell_call": ("shell", ("action",), ("output",)),
    "apply_patch_call": ("apply_patch", ("operation",), ("output",)),
    "mcp_list_tools": ("mcp_list_tools", ("server_label",), ("tools",)),
}
# Those that end so are Anthropic's: `web_search_tool_result`, `bash_code_execution_tool_result`.
RESULT_END = "_tool_result"
# Gemini's, by the key that holds an object of its own.
CODE = ("executableCode", "executable_code")
CODE_RESULT = ("codeExecutionResult", "code_execution_result")


def read(kind: str, raw: Mapping[str, Any]) -> ServerTool | None:
    """Return what a part tells of such a tool, None for one that is something else.

    `kind` is the part's type, in lower case, with `_` for `-`; "" where it has none.
    """
    if kind in ITEMS:
        return _item(kind, raw)
    if kind == "mcp_call" and "name" in raw:
        result = raw.get("output") if raw.get("output") is not None else raw.get("error")
        return ServerTool(
            _id(raw), str(raw["name"]), raw.get("arguments"), result, True, bool(result)
        )
    if kind == "server_tool_use":
        return ServerTool(_id(raw), _name(raw), raw.get("input"))
    if kind in ("server_tool_call", "server_tool_call_response"):
        return _conventional(kind, raw)
    if kind.endswith(RESULT_END) and kind != RESULT_END[1:]:
        name = kind.removesuffix(RESULT_END)
        return ServerTool(_id(raw), name, None, raw.get("content"), False, True)
    return _code(raw) if not kind or kind in CODE + CODE_RESULT else None


def _item(kind: str, raw: Mapping[str, Any]) -> ServerTool:
    name, asked, found = ITEMS[kind]
    arguments = {key: raw[key] for key in asked if raw.get(key) is not None}
    if len(arguments) == 1 and isinstance(arguments.get("action"), dict):
        arguments = arguments["action"]
    result = next((raw[key] for key in found if raw.get(key) is not None), None)
    return ServerTool(_id(raw), name, arguments, result, True, result is not None)


def _conventional(kind: str, raw: Mapping[str, Any]) -> ServerTool | None:
    """Read OpenTelemetry's part, which holds the tool's own object under the part's name."""
    inner = raw.get(kind)
    if not isinstance(inner, dict):
        return None
    if kind == "server_tool_call":
        arguments = {key: value for key, value in inner.items() if key != "type"}
        return ServerTool(_id(raw), _name(raw, inner), arguments.get("arguments", arguments))
    result = {key: value for key, value in inner.items() if key != "type"}
    return ServerTool(_id(raw), _name(raw, inner), None, result, False, True)


def _code(raw: Mapping[str, Any]) -> ServerTool | None:
    for key in CODE:
        if isinstance(inner := raw.get(key), dict):
            return ServerTool(_id(inner), "code_execution", {"code": inner.get("code")})
    for key in CODE_RESULT:
        if isinstance(inner := raw.get(key), dict):
            return ServerTool(_id(inner), "code_execution", None, inner.get("output"), False, True)
    return None


def _id(raw: Mapping[str, Any]) -> str | None:
    keys = ("tool_use_id", "call_id", "id")
    return next((raw[key] for key in keys if isinstance(raw.get(key), str)), None)


def _name(raw: Mapping[str, Any], inner: Mapping[str, Any] | None = None) -> str:
    told = raw.get("name") or (inner or {}).get("name") or (inner or {}).get("type")
    return told if isinstance(told, str) else "server_tool"
