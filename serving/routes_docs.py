"""GET /openapi.json and /docs: what can be asked, with nothing fetched from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from serving.body import answer
from serving.roles import PUBLIC, Route
from serving.schemas import Schema

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>lakehouse service</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem }}
h2 {{ font-size: 1.1rem; margin: 2.5rem 0 .3rem; font-family: monospace; overflow-wrap: anywhere }}
pre {{ background: #f4f4f2; padding: .8rem; overflow-x: auto }}
table {{ border-collapse: collapse }} td, th {{ text-align: left; padding: .15rem 1.2rem .15rem 0 }}
.role {{ color: #555 }}
@media (prefers-color-scheme: dark) {{
  body {{ background: #181818; color: #ddd }} pre {{ background: #262626 }} .role {{ color: #aaa }}
}}
</style></head><body>
<h1>lakehouse service</h1>
<p>The machine-readable description is <a href="openapi.json">openapi.json</a>. Send a key as
<code>Authorization: Bearer …</code> or <code>X-API-Key: …</code>.</p>
{operations}
</body></html>
"""


def routes(describe: Callable[[], Schema]) -> list[Route]:
    async def openapi(_: Request) -> Response:
        return answer(describe())

    async def docs(request: Request) -> Response:
        return HTMLResponse(page(describe(), str(request.base_url).rstrip("/")))

    return [
        Route("GET", "/openapi.json", openapi, roles=PUBLIC, summary="This description"),
        Route("GET", "/docs", docs, roles=PUBLIC, summary="This description, to read"),
    ]


def page(document: Schema, base_url: str) -> str:
    """The document as one page of HTML."""
    schemas = document["components"]["schemas"]
    parts = [
        _operation(method, path, operation, schemas, base_url)
        for path, operations in sorted(document["paths"].items())
        for method, operation in operations.items()
    ]
    return _PAGE.format(operations="\n".join(parts))


def _operation(method: str, path: str, operation: Schema, schemas: Schema, base_url: str) -> str:
    roles = ", ".join(operation.get("x-roles", []))
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    told = [
        f"<h2>{escape(method.upper())} {escape(path)}</h2>",
        f"<p>{escape(operation['summary'])}. <span class='role'>For: {escape(roles)}.</span></p>",
    ]
    if content is not None:
        told.append(_fields(content["schema"], schemas))
        told.append(f"<pre>{escape(_curl(base_url + path, content['example']))}</pre>")
    return "\n".join(told)


def _fields(schema: Schema, schemas: Schema) -> str:
    first = schema.get("oneOf", [schema])[0]
    named = schemas[first["$ref"].rsplit("/", 1)[1]] if "$ref" in first else first
    required = named.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(_kind(column))}</td>"
        f"<td>{'' if name in required else 'optional'}</td>"
        f"<td>{escape(column.get('description', ''))}</td></tr>"
        for name, column in named["properties"].items()
    )
    return f"<table>{rows}</table>"


def _kind(column: Schema) -> str:
    arms = column.get("anyOf", [column])
    return str(arms[-1].get("format") or column.get("format") or arms[0].get("type", ""))


def _curl(url: str, example: Any) -> str:
    body = json.dumps(example, ensure_ascii=False)
    return (
        f'curl -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\\n'
        f"  {url} \\\n  -d '{body}'"
    )
