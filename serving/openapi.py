"""The OpenAPI description, with the real fields of the contracts that serve now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lakehouse.declare.features import Feature, StoredView
from serving import routes_features, routes_feedback, routes_predict
from serving.roles import Route
from serving.schemas import TYPES, Schema, nullable, row_example, row_schema
from serving.served_release import ServedRelease
from serving.service import Service

_STRING: Schema = {"type": "string"}
_ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["what", "where", "next"],
            "properties": {
                "what": _STRING,
                "where": _STRING,
                "next": _STRING,
                "fields": {
                    "type": "array",
                    "maxItems": 5,
                    "items": {
                        "type": "object",
                        "required": ["field", "reason"],
                        "properties": {
                            "field": _STRING,
                            "reason": _STRING,
                            "row": {"type": "integer"},
                        },
                    },
                },
            },
        }
    },
}
_STATUSES = {
    "401": "no key, or one this lake does not know",
    "403": "a key of another role",
    "404": "nothing of that name; the answer names what there is",
    "422": "fields that cannot be taken, with reasons",
    "503": "no release, store or disk to answer with yet",
}
_KEYS: Schema = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def describe(routes: Iterable[Route], service: Service) -> Schema:
    """Build the document: one path for each model that serves, with its contract's fields."""
    paths: Schema = {}
    for route in routes:
        operation = {
            "summary": route.summary,
            "operationId": f"{route.method.lower()} {route.path}",
            "x-roles": sorted(route.roles),
            "responses": {"200": {"description": "done"}},
        }
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    schemas: Schema = {"Error": _ERROR}
    for release in service.champions.releases():
        _describe_model(release, paths, schemas)
    for domain in service.champions.domains():
        if views := service.online.views(domain):
            described = paths[routes_features.PATH]["post"] | _features(domain, views, schemas)
            _concrete(paths, routes_features.PATH, described, domain=domain)
    for path, operations in paths.items():
        for operation in operations.values():
            _secure(operation)
            _parameters(path, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "lakehouse",
            "version": "1",
            "description": "Features, decisions and outcomes of the domains in one lake.",
        },
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _KEYS},
    }


def _describe_model(release: ServedRelease, paths: Schema, schemas: Schema) -> None:
    names = {"domain": release.domain, "model": release.name}
    tag = f"{release.domain}.{release.name}"
    request = row_schema(release.reader, schemas, f"{tag}.{release.reader.spec.name}")
    predict = paths[routes_predict.PATH]["post"] | {
        "summary": f"Decide with {release.domain}/{release.name}",
        "description": release.model.description,
        "parameters": [
            {
                "name": "explain",
                "in": "query",
                "description": "answer the features too",
                "schema": {"type": "boolean", "default": False},
            }
        ],
        "requestBody": _body(request, row_example(release.reader)),
        "responses": _answers("200", _prediction(release)),
    }
    _concrete(paths, routes_predict.PATH, predict, **names)
    if release.outcomes is None:
        return
    outcome = row_schema(release.outcomes, schemas, f"{tag}.{release.outcomes.spec.name}")
    body = {"oneOf": [outcome, {"type": "array", "items": outcome}]}
    accepted = {
        "type": "object",
        "properties": {"accepted": {"type": "integer"}, "source": _STRING},
    }
    feedback = paths[routes_feedback.PATH]["post"] | {
        "summary": f"Report outcomes of {release.domain}/{release.name}",
        "requestBody": _body(body, row_example(release.outcomes)),
        "responses": _answers("202", accepted),
    }
    _concrete(paths, routes_feedback.PATH, feedback, **names)


def _features(domain: str, views: Mapping[str, StoredView], schemas: Schema) -> Schema:
    dotted = [f for view in views.values() for f in view.features]
    keys = {k for view in views.values() for k in view.by.keys}
    body: Schema = {
        "type": "object",
        "required": ["entities"],
        "additionalProperties": False,
        "properties": {
            "views": {"type": "array", "items": {"enum": list(views)}},
            "features": {"type": "array", "items": {"enum": [f.dotted for f in dotted]}},
            "entities": {
                "type": "array",
                "maxItems": routes_features.MOST_ENTITIES,
                "items": {"type": "object", "properties": {k: {} for k in sorted(keys)}},
            },
            "at": TYPES["timestamp"] | {"description": "default: the lake's clock"},
        },
    }
    schemas[f"{domain}.Features"] = {
        "type": "object",
        "properties": {f.dotted: _value(f) for f in dotted},
    }
    values = {"type": "array", "items": {"$ref": f"#/components/schemas/{domain}.Features"}}
    told = {"type": "object", "properties": {"at": TYPES["timestamp"], "values": values}}
    return {
        "summary": f"Values of stored features of {domain}",
        "requestBody": _body(body, routes_features.example(views)),
        "responses": _answers("200", told),
    }


def _value(feature: Feature) -> Schema:
    """A value as it is answered: decimals are text, so that they stay exact."""
    decimal: Schema = {"type": "string", "format": "decimal"}
    kind = decimal if feature.kind == "decimal" else TYPES[feature.kind]
    if feature.many is None:
        return nullable(kind)
    # A list holds no null, but JSON has none other for NaN.
    items = nullable(kind) if feature.kind == "float" else kind
    return {"type": "array", "items": items, "maxItems": feature.many}


def _prediction(release: ServedRelease) -> Schema:
    return {
        "type": "object",
        "properties": {
            "decision_id": _STRING,
            "score": {"type": "number", "format": "double"},
            "decision": {"type": "string", "enum": list(release.policy.decisions)},
            "model": _STRING,
            "version": {"type": "integer"},
            "asked_for": TYPES["timestamp"],
            "features": {"type": "object", "description": "with explain=true"},
        },
    }


def _body(schema: Schema, example: Any) -> Schema:
    return {
        "required": True,
        "content": {"application/json": {"schema": schema, "example": example}},
    }


def _answers(status: str, schema: Schema) -> Schema:
    return {status: {"description": "done", "content": {"application/json": {"schema": schema}}}}


def _concrete(paths: Schema, template: str, operation: Schema, **names: str) -> None:
    """Put a path with its names filled in before the template, which stays for what comes."""
    path = template.format(**names)
    paths[path] = {"post": operation | {"operationId": f"post {path}"}}


def _secure(operation: Schema) -> None:
    roles = operation["x-roles"]
    operation["security"] = [] if "public" in roles else [{"bearer": []}, {"api_key": []}]
    answers = operation["responses"]
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    if "public" not in roles:
        for status, why in _STATUSES.items():
            answers[status] = {"description": why, "content": error}


def _parameters(path: str, operation: Schema) -> None:
    named = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    operation["parameters"] = [
        {"name": name, "in": "path", "required": True, "schema": _STRING} for name in named
    ] + operation.get("parameters", [])
