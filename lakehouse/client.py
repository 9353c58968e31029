"""A thin client of the service, of the standard library alone.

    from lakehouse.client import Client

    with Client("http://127.0.0.1:8000", key) as client:
        answer = client.predict("payments_fraud", "fraud", payment)
        print(answer.decision, answer.score)

Nothing else of the platform is imported, so the file may be copied into a project.
"""

from __future__ import annotations

import json
import selectors
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlsplit


class ApiError(Exception):
    """The service did not do what it was asked: what is wrong, where, and what to do next.

    `status` is the HTTP status, 0 where there was no answer at all. `fields` holds the fields at
    fault of a 422 answer, each with its "field", "reason" and, among several rows, "row".
    """

    def __init__(
        self,
        status: int,
        what: str,
        where: str,
        next: str,
        fields: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(f"{what} ({where}; HTTP {status}) {next}")
        self.status, self.what, self.where, self.next = status, what, where, next
        self.fields = tuple(fields)


@dataclass(frozen=True)
class Prediction:
    """A decision, and the moment its features were asked for.

    `features` holds every feature by its full name if `explain` was asked; decimals are text.
    """

    decision_id: str
    score: float
    decision: str
    model: str
    version: int
    asked_for: datetime
    features: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Features:
    """Feature values by `view.feature`, one mapping for each entity asked; decimals are text."""

    at: datetime
    values: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Receipt:
    """How many outcomes are safely on disk, and the source they landed in."""

    accepted: int
    source: str


@dataclass(frozen=True)
class ModelState:
    """Which version of a model serves: "serving", "serving_older", "broken" or "no_release"."""

    domain: str
    model: str
    state: str
    version: int | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Health:
    """Whether the service is well ("ok" or "degraded"), and the state of each model."""

    status: str
    models: tuple[ModelState, ...] = field(default=())


class Client:
    """Asks one service over one connection that stays open.

    `url` is the service's address, `key` an API key, `timeout_s` how long to wait for an answer.
    Threads may share a client, and then wait for one another; give each its own to ask at once.
    No request is ever sent twice by itself.
    """

    def __init__(self, url: str, key: str = "", timeout_s: float = 10.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"'{url}' is no address of a service; write http://host:port.")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=timeout_s)
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._lock = threading.Lock()

    def predict(
        self, domain: str, model: str, request: Mapping[str, Any], *, explain: bool = False
    ) -> Prediction:
        """Ask for a decision about one request, a row of the model's request contract."""
        path = f"/v1/predict/{quote(domain)}/{quote(model)}"
        told = self._ask("POST", path + ("?explain=true" if explain else ""), request)
        return Prediction(
            decision_id=told["decision_id"],
            score=told["score"],
            decision=told["decision"],
            model=told["model"],
            version=told["version"],
            asked_for=datetime.fromisoformat(told["asked_for"]),
            features=told.get("features"),
        )

    def features(
        self,
        domain: str,
        entities: Iterable[Mapping[str, Any]],
        *,
        views: Iterable[str] = (),
        features: Iterable[str] = (),
        at: datetime | None = None,
    ) -> Features:
        """Ask for the features of entities, by views or by `view.feature`, at a moment.

        `at` None asks at the lake's clock.
        """
        body: dict[str, Any] = {"entities": list(entities)}
        if views:
            body["views"] = list(views)
        if features:
            body["features"] = list(features)
        if at is not None:
            body["at"] = at
        told = self._ask("POST", f"/v1/features/{quote(domain)}", body)
        return Features(datetime.fromisoformat(told["at"]), tuple(told["values"]))

    def feedback(
        self,
        domain: str,
        model: str,
        outcomes: Mapping[str, Any] | Iterable[Mapping[str, Any]],
    ) -> Receipt:
        """Report what became of decisions: one row, or several, of the outcomes' contract.

        The answer comes once they are on the service's disk; either all are taken or none is.
        """
        body = outcomes if isinstance(outcomes, Mapping) else list(outcomes)
        told = self._ask("POST", f"/v1/feedback/{quote(domain)}/{quote(model)}", body)
        return Receipt(told["accepted"], told["source"])

    def health(self) -> Health:
        """Ask whether the service is well; needs no key."""
        told = self._ask("GET", "/health")
        models = tuple(
            ModelState(m["domain"], m["model"], m["state"], m["version"], m.get("problem"))
            for m in told["models"]
        )
        return Health(told["status"], models)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        sent = None if body is None else json.dumps(body, default=_encode, allow_nan=False).encode()
        with self._lock:
            try:
                self._drop_if_closed()
                self._connection.request(method, self._prefix + path, sent, self._headers)
                answer = self._connection.getresponse()
                content = answer.read()
            except (OSError, HTTPException) as error:
                self._connection.close()
                address = f"{self._connection.host}:{self._connection.port}"
                raise ApiError(
                    0,
                    f"No answer ({type(error).__name__}: {error}).",
                    f"{method} {address}{path}",
                    "Check that the service runs there; the request may have been taken.",
                ) from error
        return _decoded(answer, content, f"{method} {path}")

    def _drop_if_closed(self) -> None:
        """Close a connection that the service closed while it was idle; the next request reopens.

        Nothing is unread between requests, so anything to read is the end of the stream.
        """
        idle = self._connection.sock
        if idle is None:
            return
        with selectors.DefaultSelector() as selector:
            selector.register(idle, selectors.EVENT_READ)
            if selector.select(0):
                self._connection.close()


def _encode(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):  # a datetime is a date too
        return value.isoformat()
    raise TypeError(
        f"A {type(value).__name__} cannot be sent; send str, int, float, bool, Decimal, "
        "datetime, date or None."
    )


def _decoded(answer: HTTPResponse, content: bytes, where: str) -> Any:
    try:
        told = json.loads(content)
        if answer.status < 300:
            return told
        error = told["error"]
        what, place, next_, fields = (
            error["what"],
            error["where"],
            error["next"],
            error.get("fields", ()),
        )
    except (ValueError, KeyError, TypeError):
        raise ApiError(
            answer.status,
            f"The answer is not this service's: {content[:80]!r}.",
            where,
            "Check the address; something else may be listening there.",
        ) from None
    raise ApiError(answer.status, what, place, next_, fields)
