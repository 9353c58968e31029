"""Removal of what no moment needs on a Redis server, and of whole materialisations.

An index holds, by entity, when the next of its chunks may go, so that what is looked at follows
what is removed. Where it says too early a time the entity is looked at once, and the index
corrected.
"""

from __future__ import annotations

from collections.abc import Iterator

from lakehouse.features.online.stores.protocol import Stored
from lakehouse.features.online.stores.redis.connections import Connections
from lakehouse.features.online.stores.redis.keys import Generation, row_listed, sortable
from lakehouse.features.online.stores.redis.wire import command

AT_ONCE = 200
"""So many entities are looked at together; more would keep readers waiting."""
_NAMES_AT_ONCE = 1000
_SCORED = """
local index, prefix, letter, bound = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local beyond = '(' .. string.char(string.byte(letter) + 1)
local function time(member, from)
  local high, low = struct.unpack('>I4I4', string.sub(member, from, from + 7))
  return (high - 2147483648) * 4294967296 + low
end
local function score(name, due)
  if due then redis.call('ZADD', index, due, name) else redis.call('ZREM', index, name) end
end
"""
_BEFORE = (
    _SCORED
    + """
-- what comes before the bound by the first of its times goes
for n = 4, #ARGV do
  local key = prefix .. ARGV[n]
  redis.call('ZREMRANGEBYLEX', key, '[' .. letter, '(' .. letter .. bound)
  local first = redis.call('ZRANGEBYLEX', key, '[' .. letter, beyond, 'LIMIT', 0, 1)[1]
  score(ARGV[n], first and time(first, 2))
end
"""
)
_SUPERSEDED = (
    _SCORED
    + """
local function later(a, b)
  local high_a, low_a = struct.unpack('>I4I4', a)
  local high_b, low_b = struct.unpack('>I4I4', b)
  return high_a > high_b or (high_a == high_b and low_a > low_b)
end
-- the last chunk that counts from the first moment on stays, and what comes after it
local page = 16
for n = 4, #ARGV do
  local key, skipped, counts, due = prefix .. ARGV[n], 0, nil, nil
  repeat
    local found = redis.call('ZREVRANGEBYLEX', key, '(' .. letter .. bound, '[' .. letter,
      'LIMIT', skipped, page)
    for _, member in ipairs(found) do
      if not later(string.sub(member, 10, 17), bound) then
        counts = member
        break
      end
      local known = time(member, 10)
      if not due or known < due then due = known end
    end
    skipped = skipped + page
  until counts or #found < page
  if counts then
    redis.call('ZREMRANGEBYLEX', key, '[' .. letter, '(' .. string.sub(counts, 1, 9))
  end
  local next = redis.call('ZRANGEBYLEX', key, '[' .. letter .. bound, beyond, 'LIMIT', 0, 1)[1]
  if next then
    local begin = time(next, 2) + 1
    if not due or begin < due then due = begin end
  end
  score(ARGV[n], due)
end
"""
)


def prune(connections: Connections, generation: Generation, stored: Stored) -> None:
    """Remove what lies before the horizon of what is stored."""
    horizon = stored.horizon
    bounds = [(b"e", horizon.events_us), (b"t", horizon.tiles_us)]
    for letter, bound in bounds[: len(generation.letters)]:
        index = generation.indexes[letter]
        ended = f"({bound}".encode()
        for names in _due(connections, index, ended):
            arguments = (generation.chunks, letter, sortable(bound), *names)
            connections.ask(command(b"EVAL", _BEFORE.encode(), b"1", index, *arguments), 1)
    if generation.latest:
        index, kept = generation.indexes[b"k"], stored.kept_from_us
        for names in _due(connections, index, b"%d" % kept):
            arguments = (generation.chunks, b"e", sortable(kept), *names)
            connections.ask(command(b"EVAL", _SUPERSEDED.encode(), b"1", index, *arguments), 1)


def forget_listed(connections: Connections, key: bytes, before_us: int) -> None:
    """List no rows any more that happened before a time."""
    for page in pages(connections, key):
        old = [text for text in page if row_listed(text).event_us < before_us]
        if old:
            connections.ask(command(b"ZREM", key, *old), 1)


def remove(connections: Connections, generation: Generation) -> None:
    """Remove all of a materialisation that nobody writes to any more."""
    for letter in (b"e", b"t"):
        index = generation.indexes[letter]
        while True:
            (names,) = connections.ask(
                command(b"ZRANGE", index, b"0", b"%d" % (_NAMES_AT_ONCE - 1)), 1
            )
            if not names:
                break
            keys = [generation.chunks + name for name in names]
            both = command(b"UNLINK", *keys) + command(b"ZREM", index, *names)
            connections.ask(both, 2)
    connections.ask(command(b"UNLINK", *generation.all_else), 1)


def pages(connections: Connections, key: bytes) -> Iterator[list[bytes]]:
    """All members of a sorted set of one score, some at a time."""
    after = b"-"
    while True:
        (page,) = connections.ask(
            command(b"ZRANGEBYLEX", key, after, b"+", b"LIMIT", b"0", b"%d" % _NAMES_AT_ONCE),
            1,
        )
        if not page:
            return
        yield page
        after = b"(" + page[-1]


def _due(connections: Connections, index: bytes, until: bytes) -> Iterator[list[bytes]]:
    """Entities that may have something to remove. What was looked at is due no more."""
    seen: set[bytes] = set()
    while True:
        (names,) = connections.ask(
            command(b"ZRANGEBYSCORE", index, b"-inf", until, b"LIMIT", b"0", b"%d" % AT_ONCE),
            1,
        )
        fresh = [name for name in names if name not in seen]
        if not fresh:  # times that floats do not tell apart, or none
            return
        seen.update(fresh)
        yield fresh
