"""JSON schemas and example bodies of contracts."""

from __future__ import annotations

from typing import Any

from lakehouse.declare.contract import Column
from lakehouse.language import patterns
from serving.rows import RowReader

Schema = dict[str, Any]
_TIME = "2018-04-01T10:00:00Z"
TYPES: dict[str, Schema] = {
    "string": {"type": "string"},
    "int": {"type": "integer", "format": "int64"},
    "float": {"type": "number", "format": "double"},
    "decimal": {"anyOf": [{"type": "number"}, {"type": "string", "format": "decimal"}]},
    "bool": {"type": "boolean"},
    "timestamp": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
}


def row_schema(reader: RowReader, schemas: Schema, name: str) -> Schema:
    schemas[name] = {
        "type": "object",
        "title": reader.spec.name,
        "description": reader.spec.description,
        "required": [c.name for c in reader.spec.columns if not reader.optional(c)],
        "additionalProperties": False,
        "properties": {c.name: column_schema(c, reader.optional(c)) for c in reader.spec.columns},
    }
    return {"$ref": f"#/components/schemas/{name}"}


def column_schema(column: Column, optional: bool = False) -> Schema:
    """The JSON schema of a contract's column: type, checks and what it means."""
    schema = dict(TYPES[column.kind])
    if column.description:
        schema["description"] = column.description
    if column.personal:
        schema["x-personal"] = True
    if column.scale is not None:
        schema["x-scale"] = column.scale
    bounds = {
        "minimum": column.ge,
        "maximum": column.le,
        "exclusiveMinimum": column.gt,
        "exclusiveMaximum": column.lt,
    }
    if column.numeric:
        schema |= {k: float(str(v)) for k, v in bounds.items() if v is not None}
    if column.isin is not None:
        schema["enum"] = [v if isinstance(v, str | int | float) else str(v) for v in column.isin]
    if column.str_matches is not None:
        schema["pattern"] = f"^(?:{patterns.parse(column.str_matches).python})$"
    return nullable(schema) if optional else schema


def row_example(reader: RowReader) -> dict[str, Any]:
    """A body with every field that must be there, of plausible values."""
    return {c.name: _example(c) for c in reader.spec.columns if not reader.optional(c)}


def _example(column: Column) -> Any:
    if column.isin:
        return column.isin[0]
    bounds = [b for b in (column.ge, column.gt, column.le, column.lt) if b is not None]
    near = int(float(str(bounds[0]))) + 1 if bounds and column.kind == "int" else 1
    by_kind: dict[str, Any] = {
        "string": f"a {column.name.replace('_', ' ')}",
        "int": near,
        "float": 1.5,
        "decimal": "12" + ("." + "50000000000000000"[: column.scale] if column.scale else ""),
        "bool": True,
        "timestamp": _TIME,
        "date": _TIME[:10],
    }
    return by_kind[column.kind]


def nullable(schema: Schema) -> Schema:
    if "anyOf" in schema:
        rest = {k: v for k, v in schema.items() if k != "anyOf"}
        return rest | {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    if "enum" in schema:
        schema = schema | {"enum": [*schema["enum"], None]}
    return schema | {"type": [schema["type"], "null"]}
