"""How the Redis store finds its server, and what it says where that does not work."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lakehouse.errors import LakeFormatError, NotFound
from lakehouse.features.online.stores.protocol import EntityChunks, StoreUnreachable
from lakehouse.features.online.stores.redis.address import Address
from lakehouse.features.online.stores.redis.store import RedisStore
from lakehouse.testing.online_chunks import event, events, put, stored
from tests.redis_server import ask, free_port, redis_server


@pytest.fixture
def store(redis_url: str) -> Iterator[RedisStore]:
    made = RedisStore(redis_url, "p")
    yield made
    made.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://cache", Address("cache")),
        ("redis://cache/3", Address("cache", 6379, 3)),
        ("redis://me:p%40ss@[::1]:7/1", Address("::1", 7, 1, username="me", password="p@ss")),
        ("redis://:only@cache", Address("cache", password="only")),
        ("redis://cache?db=4&username=me", Address("cache", database=4, username="me")),
        ("rediss://cache?ssl_ca_certs=/ca", Address("cache", tls=True, ca_certs="/ca")),
        ("unix:///run/redis.sock?db=2", Address("", database=2, socket_path="/run/redis.sock")),
        ("redis://cache?socket_timeout=0.5", Address("cache", answer_s=0.5)),
    ],
)
def test_a_url_names_a_server(url: str, expected: Address) -> None:
    assert Address.parse(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "cache:6379",
        "http://me:secret@cache",
        "redis://",
        "unix://cache",
        "redis://me:secret@cache:port/0",
        "redis://cache/secret",
        "redis://cache?password=secret&decode_responses=True",
        "redis://cache?secret",
        "redis://cache?socket_timeout=secret",
        "redis://cache?socket_timeout=0",
        "redis://[::1",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(StoreUnreachable) as refused:
        RedisStore(url, "p")
    told = str(refused.value)
    assert told.startswith("LAKEHOUSE_ONLINE_URL is no address of a Redis server; write redis://")
    assert "secret" not in told
    assert refused.value.__cause__ is refused.value.__context__ is None


def test_each_thread_has_its_own_connection_and_closing_ends_all(
    store: RedisStore, redis_url: str
) -> None:
    store.replace(stored("v"), [], {})
    at_once = threading.Barrier(4)

    def read() -> None:
        store.stored("v")
        at_once.wait()

    def connected() -> int:
        found = ask(redis_url, b"CLIENT", b"LIST")
        assert isinstance(found, bytes)
        return found.count(b"\n") - 1  # without the one that asks

    before = connected()
    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    at_once.wait()
    for thread in threads:
        thread.join()
    store.close()
    assert connected() <= before - 1
    assert store.stored("v") is not None


def test_a_connection_that_was_cut_is_made_again(store: RedisStore, redis_url: str) -> None:
    here = store.replace(stored("v"), [event(b"a", 0, b"x")], {})
    ask(redis_url, b"CLIENT", b"KILL", b"TYPE", b"normal", b"SKIPME", b"yes")
    assert events(store, here, b"a", 0, 1) == [b"x"]
    ask(redis_url, b"CLIENT", b"KILL", b"TYPE", b"normal", b"SKIPME", b"yes")
    store.change(here, {b"a": put("event", 1, b"y")}, {})
    assert events(store, here, b"a", 0, 9) == [b"x", b"y"]


def test_a_change_whose_end_is_not_known_says_so(store: RedisStore, redis_url: str) -> None:
    here = store.replace(stored("v"), [], {})

    def change(chunks: EntityChunks) -> None:
        chunks.put("event", 0, 0, b"x")
        ask(redis_url, b"CLIENT", b"KILL", b"TYPE", b"normal", b"SKIPME", b"yes")

    with pytest.raises(StoreUnreachable, match=r"in the middle of a change .* make the same call"):
        store.change(here, {b"a": change}, {})
    store.change(here, {b"a": put("event", 0, b"x")}, {})
    assert events(store, here, b"a", 0, 1) == [b"x"]


def test_a_server_that_ends_and_comes_back_is_found_again(tmp_path: Path) -> None:
    port = free_port()
    with redis_server(tmp_path, "--appendonly", "yes", "--appendfsync", "always", port=port) as url:
        store = RedisStore(url, "p")
        here = store.replace(stored("v"), [event(b"a", 0, b"x")], {})
    with pytest.raises(StoreUnreachable) as gone:
        store.stored("v")
    assert str(gone.value) == (
        f"The online store at redis://127.0.0.1:{port}/0 cannot be reached (connection refused); "
        "start the server, or correct LAKEHOUSE_ONLINE_URL."
    )
    with redis_server(tmp_path, "--appendonly", "yes", port=port):
        assert events(store, here, b"a", 0, 1) == [b"x"]
    store.close()


def test_a_server_that_does_not_answer_is_given_up(redis_url: str) -> None:
    store = RedisStore(f"{redis_url}?socket_timeout=0.05", "p")
    store.stored("v")
    ask(redis_url, b"CLIENT", b"PAUSE", b"300")
    with pytest.raises(StoreUnreachable, match="it did not answer in time"):
        store.stored("v")
    store.close()


def test_users_are_let_in_by_the_url_and_a_password_is_never_told(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("open sesame\n")
    with redis_server(tmp_path) as url:
        ask(url, b"ACL", b"SETUSER", b"me", b"on", b">open sesame", b"~*", b"+@all")
        ask(url, b"ACL", b"SETUSER", b"reads", b"on", b">few", b"~*", b"+@all", b"-hget")
        ask(url, b"ACL", b"SETUSER", b"default", b"off")
        at = url.removeprefix("redis://")
        for good in (
            f"redis://me:open%20sesame@{at}",
            f"redis://{at}?username=me&password=open+sesame",
            f"redis://{at}?username=me&password_file={secret}",
        ):
            store = RedisStore(good, "p")
            assert store.stored("v") is None
            store.close()
        wrong_ones = (
            f"redis://me:tell@{at}",
            f"redis://nobody:few@{at}",
            f"redis://reads:few@{at}",
        )
        for wrong in (*wrong_ones, url):
            with pytest.raises(StoreUnreachable) as refused:
                RedisStore(wrong, "p").stored("v")
            told = str(refused.value)
            assert f"The online store at {url} refused its user: " in told
            assert "LAKEHOUSE_ONLINE_URL" in told
            assert "tell" not in told
            assert "few" not in told
        secret.unlink()
        with pytest.raises(StoreUnreachable, match=r"cannot be read from .*password .FileNotFound"):
            RedisStore(f"redis://{at}?password_file={secret}", "p").stored("v")


def test_a_server_that_throws_keys_away_is_refused(redis_url: str, store: RedisStore) -> None:
    try:
        ask(redis_url, b"CONFIG", b"SET", b"maxmemory", b"1gb")
        store.replace(stored("v"), [], {})
        ask(redis_url, b"CONFIG", b"SET", b"maxmemory-policy", b"allkeys-lru")
        with pytest.raises(StoreUnreachable, match=r"throws keys away .* set it to noeviction"):
            store.replace(stored("v"), [], {})
        ask(redis_url, b"CONFIG", b"SET", b"maxmemory-policy", b"noeviction")
        ask(redis_url, b"CONFIG", b"SET", b"maxmemory", b"1mb")
        with pytest.raises(StoreUnreachable, match=r"is full; give the server more memory"):
            store.replace(stored("v", 2), [event(b"a", 0, bytes(2_000_000))], {})
    finally:
        ask(redis_url, b"CONFIG", b"SET", b"maxmemory", b"0")
    here = store.stored("v")
    assert here is not None
    assert here.version == 1


def test_a_service_is_told_that_there_is_nothing_yet(redis_url: str) -> None:
    with pytest.raises(NotFound, match=r"no online store 'lake:shop' at redis://127.*/0; 'lakehou"):
        RedisStore(redis_url, "lake:shop", must_exist=True)
    RedisStore(redis_url, "lake:shop").replace(stored("v"), [], {})
    RedisStore(redis_url, "lake:shop", must_exist=True).close()
    ask(redis_url, b"SET", b"lake:shop:format", b"7")
    with pytest.raises(LakeFormatError, match="has format 7, this version reads format 2"):
        RedisStore(redis_url, "lake:shop", must_exist=True)


def test_the_socket_of_a_machine_is_an_address_too(tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    with redis_server(tmp_path, "--unixsocket", str(path)):
        store = RedisStore(f"unix://{path}?db=3", "p")
        here = store.replace(stored("v"), [event(b"a", 0, b"x")], {})
        assert events(store, here, b"a", 0, 1) == [b"x"]
        store.close()
    with pytest.raises(StoreUnreachable, match=rf"at unix://{path}\?db=3 cannot be reached"):
        store.stored("v")


def test_tls_shows_and_checks_certificates(tmp_path: Path) -> None:
    certificates(tmp_path)
    port = free_port()
    files = ("--tls-cert-file", "server.crt", "--tls-key-file", "server.key")
    with redis_server(tmp_path, "--tls-port", str(port), *files, "--tls-ca-cert-file", "ca.crt"):
        ours = f"ssl_certfile={tmp_path}/client.crt&ssl_keyfile={tmp_path}/client.key"
        checked = f"rediss://127.0.0.1:{port}?ssl_ca_certs={tmp_path}/ca.crt"
        store = RedisStore(f"{checked}&{ours}", "p")
        here = store.replace(stored("v"), [event(b"a", 0, bytes(100_000))], {})
        assert events(store, here, b"a", 0, 1) == [bytes(100_000)]
        store.close()
        for url, why in (
            (f"rediss://127.0.0.1:{port}?{ours}", "certificate verify failed"),
            (checked, "cannot be reached"),
            (f"redis://127.0.0.1:{port}", "cannot be reached"),
            (f"{checked}.gone", r"certificates .* cannot be read .FileNotFoundError"),
        ):
            with pytest.raises(StoreUnreachable, match=why):
                RedisStore(url, "p").stored("v")


def certificates(folder: Path) -> None:
    """An authority, and a server and a client whom it knows."""
    authority = ec.generate_private_key(ec.SECP256R1())
    for name, key in (
        ("ca", authority),
        ("server", ec.generate_private_key(ec.SECP256R1())),
        ("client", ec.generate_private_key(ec.SECP256R1())),
    ):
        now = datetime.now(UTC)
        names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        made = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named("ca"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(name == "ca", None), critical=True)
            .sign(authority, hashes.SHA256())
        )
        (folder / f"{name}.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        (folder / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
