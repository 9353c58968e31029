"""The thin client, against a small server that records what it is sent."""

from __future__ import annotations

import json
import select
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from lakehouse.client import (
    ApiError,
    Client,
    Features,
    Health,
    ModelState,
    Prediction,
    Receipt,
)

ANSWER = {
    "decision_id": "d1",
    "score": 0.25,
    "decision": "accept",
    "model": "fraud",
    "version": 3,
    "asked_for": "2018-04-01T10:00:00.000005Z",
}


class Recorder(BaseHTTPRequestHandler):
    """Answers what the test says, and keeps every request with its connection's port."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[tuple[str, str, Any, dict[str, str], int]]] = []
    answer: ClassVar[tuple[int, Any]] = (200, ANSWER)
    then_close: ClassVar[bool] = False
    silent: ClassVar[bool] = False

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        port = self.client_address[1]
        self.seen.append((self.command, self.path, body, dict(self.headers), port))
        if self.silent:
            self.close_connection = True
            return
        status, told = self.answer
        content = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = self.then_close

    do_GET = do_POST = _answer

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture
def recorder() -> type[Recorder]:
    class Fresh(Recorder):
        seen: ClassVar[list[Any]] = []

    return Fresh


@pytest.fixture
def url(recorder: type[Recorder]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), recorder)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_prediction_is_typed_and_the_request_exact(url: str, recorder: type[Recorder]) -> None:
    request = {
        "payment_id": "ä1",
        "amount_eur": Decimal("1E+2"),
        "paid_at": datetime(2018, 4, 1, 10, tzinfo=UTC),
        "local": datetime.fromisoformat("2018-04-01T10:00:00.000005"),
        "born": date(2000, 2, 29),
        "note": None,
    }
    with Client(url, "secret") as client:
        answer = client.predict("payments_fraud", "fraud", request)
    assert answer == Prediction(
        "d1", 0.25, "accept", "fraud", 3, datetime(2018, 4, 1, 10, 0, 0, 5, tzinfo=UTC)
    )
    (method, path, body, headers, _) = recorder.seen[0]
    assert (method, path) == ("POST", "/v1/predict/payments_fraud/fraud")
    assert headers["Authorization"] == "Bearer secret"
    assert body == {
        "payment_id": "ä1",
        "amount_eur": "100",
        "paid_at": "2018-04-01T10:00:00+00:00",
        "local": "2018-04-01T10:00:00.000005",
        "born": "2000-02-29",
        "note": None,
    }


def test_features_name_views_entities_and_the_moment(url: str, recorder: type[Recorder]) -> None:
    values = [{"card_spend.payments_1d": 3}]
    recorder.answer = (200, {"at": "2018-04-01T10:00:00Z", "values": values})
    at = datetime(2018, 4, 1, 10, tzinfo=UTC)
    with Client(url, "k") as client:
        answer = client.features("shop", [{"card_id": "c1"}], views=["card_spend"], at=at)
    assert answer == Features(at, tuple(values))
    assert recorder.seen[0][2] == {
        "entities": [{"card_id": "c1"}],
        "views": ["card_spend"],
        "at": "2018-04-01T10:00:00+00:00",
    }


def test_feedback_sends_one_row_or_several(url: str, recorder: type[Recorder]) -> None:
    recorder.answer = (202, {"accepted": 1, "source": "fraud_reports"})
    with Client(url, "k") as client:
        receipt = client.feedback("shop", "fraud", {"payment_id": "p"})
        client.feedback("shop", "fraud", ({"payment_id": p} for p in "ab"))
    assert receipt == Receipt(1, "fraud_reports")
    assert [r[2] for r in recorder.seen] == [
        {"payment_id": "p"},
        [{"payment_id": "a"}, {"payment_id": "b"}],
    ]


def test_health_needs_no_key(url: str, recorder: type[Recorder]) -> None:
    model = {"domain": "shop", "model": "fraud", "state": "serving", "version": 1}
    recorder.answer = (200, {"status": "ok", "models": [model]})
    with Client(url) as client:
        assert client.health() == Health("ok", (ModelState("shop", "fraud", "serving", 1),))
    assert "Authorization" not in recorder.seen[0][3]


def test_an_error_says_what_where_and_next(url: str, recorder: type[Recorder]) -> None:
    fields = [{"field": "amount_eur", "reason": "must be at least 0"}]
    error = {"what": "amount_eur must be at least 0.", "where": "request body", "next": "Mend it."}
    recorder.answer = (422, {"error": error | {"fields": fields}})
    with Client(url, "k") as client, pytest.raises(ApiError, match="must be at least 0") as caught:
        client.predict("shop", "fraud", {})
    e = caught.value
    assert (e.status, e.what, e.where, e.next, e.fields) == (
        422,
        error["what"],
        error["where"],
        error["next"],
        tuple(fields),
    )


def test_an_answer_of_something_else_is_told_as_such(url: str, recorder: type[Recorder]) -> None:
    for status in (200, 502):
        recorder.answer = (status, b"<html>not here</html>")
        with Client(url, "k") as client, pytest.raises(ApiError, match="not this service's"):
            client.health()


def test_requests_share_a_connection(url: str, recorder: type[Recorder]) -> None:
    with Client(url, "k") as client:
        for _ in range(3):
            client.predict("shop", "fraud", {})
    assert len({seen[4] for seen in recorder.seen}) == 1


def test_a_connection_closed_while_idle_is_opened_again(url: str, recorder: type[Recorder]) -> None:
    recorder.then_close = True
    with Client(url, "k") as client:
        for n in range(20):
            client.predict("shop", "fraud", {"n": n})
            assert select.select([client._connection.sock], [], [], 10)[0]  # the end arrived
    assert [seen[2] for seen in recorder.seen] == [{"n": n} for n in range(20)]


def test_a_request_without_an_answer_is_not_sent_again(url: str, recorder: type[Recorder]) -> None:
    recorder.silent = True
    with Client(url, "k") as client, pytest.raises(ApiError, match="No answer") as caught:
        client.feedback("shop", "fraud", {})
    assert (caught.value.status, len(recorder.seen)) == (0, 1)


def test_nobody_listening_is_an_error_of_the_same_kind() -> None:
    with (
        Client("http://127.0.0.1:1", "k", timeout_s=1.0) as client,
        pytest.raises(ApiError, match="Check that the service runs"),
    ):
        client.health()


def test_values_that_have_no_exact_form_are_refused_before_they_are_sent(url: str) -> None:
    with Client(url, "k") as client:
        with pytest.raises(TypeError, match="send str, int"):
            client.predict("shop", "fraud", {"a": object()})
        with pytest.raises(ValueError, match="Out of range float"):
            client.predict("shop", "fraud", {"a": float("nan")})


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://host", "http://", ""])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="write http://host:port"):
        Client(address)
