"""The page: static files in the package, served as they are. It uses the REST API alone."""

import hashlib
import mimetypes
from importlib import resources
from importlib.resources.abc import Traversable
from typing import NamedTuple

from fastapi import FastAPI, Request, Response
from starlette.routing import Route

PREFIX = "/ui/"
# Scripts only from files of ours, and text becomes markup through the sanitizer alone: what a
# message holds cannot run, load or send anything. Source: CSP level 3, Trusted Types.
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; media-src blob:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types dompurify",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    # Asked for again at each visit, so that a new version shows at once; unchanged is a 304.
    "cache-control": "no-cache",
}
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".svg": "image/svg+xml"}


class _File(NamedTuple):
    content: bytes
    media_type: str
    etag: str


def is_page(path: str) -> bool:
    """Return whether a path belongs to the page, which holds no data and needs no token."""
    return path == "/" or path.startswith(PREFIX)


def add_page(api: FastAPI) -> None:
    """Serve the page at `/` and its files below `/ui/`."""
    files = dict(_files(resources.files(__package__).joinpath("static"), PREFIX))

    async def page(request: Request) -> Response:
        return _answer(request, files[f"{PREFIX}index.html"])

    async def file(request: Request) -> Response:
        found = files.get(PREFIX + request.path_params["name"])
        return _answer(request, found) if found else Response(status_code=404)

    # Plain routes, and the first ones: a visit asks for fifty files before its first question.
    api.router.routes[:0] = [Route("/", page), Route(PREFIX + "{name:path}", file)]


def _files(folder: Traversable, prefix: str) -> list[tuple[str, _File]]:
    found = []
    for item in folder.iterdir():
        if item.is_dir():
            found += _files(item, f"{prefix}{item.name}/")
            continue
        content = item.read_bytes()
        suffix = item.name[item.name.rfind(".") :]
        kind = _TYPES.get(suffix) or mimetypes.guess_type(item.name)[0] or "text/plain"
        text = "; charset=utf-8" if kind.startswith("text/") else ""
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        found.append((prefix + item.name, _File(content, kind + text, etag)))
    return found


def _answer(request: Request, file: _File) -> Response:
    headers = {**HEADERS, "etag": file.etag}
    if request.headers.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)
