"""Patterns: what they match, what is refused, and what to write instead."""

from __future__ import annotations

import pytest

from lakehouse.language.patterns import PatternError, parse


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("[A-Z]{2}|EU", "DEX", False),
        ("^c[0-9]+$", "c17", True),
        ("c$|d", "c", False),
        (r"\d", "٣", False),
        (r"\w", "é", False),
        (r"\W", "é", True),
        (r"\s", "\v", True),
        (r"\s", "\u00a0", False),
        (".", "\u2028", True),
        (".", "\r", True),
        (".", "\n", False),
        (".", "𝒳", True),
        ("[^a]", "\n", True),
        ("a", "a\n", False),
        ("(?i:k)", "K", True),
        ("(?i:k)", "\u212a", False),
        ("(?i:[^a])b", "Ab", False),
        (r"\x41\u00e9", "Aé", True),
        (r"[\]\-^]+", "^]-", True),
        ("(a|b){2,3}?", "aba", True),
        ("", "", True),
    ],
)
def test_a_pattern_matches_the_whole_text(pattern: str, text: str, matches: bool) -> None:
    if pattern == "c$|d":
        with pytest.raises(PatternError, match="leave it out"):
            parse(pattern)
    else:
        assert matches == parse(pattern).matches(text)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(?i:müller)", "write both letters, as in [äÄ]"),
        ("(?P<y>a)", "uses '(?P<'"),
        ("a{,3}", "and {0,n} for at most n"),
        ("[[:alpha:]]", "write \\[ for the sign"),
        (r"a\Z", "leave it out: the whole text has to match"),
        (r"\bx", "write the characters at either side"),
        (r"\p{L}", "uses '\\p', which not every engine reads"),
        ("(a{500}){3}", "more than 1000 times"),
        ("a{3,1}", "the wrong way round"),
        ("[z-a]", "write its lower end first"),
        (r"[\w-z]", "write its lower end first"),
        (r"[^\w\W]", "holds no character"),
        ("a)", "was not opened"),
        ("(a", "close it with )"),
        ("[a", "ends inside a class"),
        ("a\\", "ends inside an escape"),
        ("\ud800", "half a character, U+D800"),
    ],
)
def test_what_engines_read_differently_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(PatternError) as refused:
        parse(pattern)
    assert message in str(refused.value)
