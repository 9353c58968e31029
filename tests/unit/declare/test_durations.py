import pytest

from lakehouse.declare.durations import DAY, HOUR, LONGEST, MINUTE, SECOND, Duration
from lakehouse.errors import DeclarationError


@pytest.mark.parametrize(
    ("text", "us"),
    [("10s", 10 * SECOND), ("5min", 5 * MINUTE), ("1h", HOUR), ("30d", 30 * DAY)],
)
def test_each_unit_is_counted_in_microseconds(text: str, us: int) -> None:
    assert Duration(us, text) == Duration.parse(text)


def test_blanks_and_leading_zeros_leave_the_text_that_names_are_made_of() -> None:
    assert "7d" == str(Duration.parse(" 007 d "))


def test_a_parsed_duration_is_taken_as_it_is() -> None:
    week = Duration.parse("7d")
    assert week is Duration.parse(week)


def test_the_same_length_in_another_unit_is_as_long() -> None:
    assert Duration.parse("1d").us == Duration.parse("24h").us


def test_the_longest_duration_is_the_last_that_is_read() -> None:
    assert LONGEST == Duration.parse("100000d").us
    with pytest.raises(DeclarationError, match="too long"):
        Duration.parse("100001d")
    with pytest.raises(DeclarationError, match="too long"):
        Duration.parse("2400001h")


@pytest.mark.parametrize("text", ["0d", "0s", " 00 min"])
def test_no_time_at_all_is_read_where_it_may_stand(text: str) -> None:
    assert Duration(0, "0d") == Duration.parse_or_zero(text)


def test_a_duration_that_may_be_nothing_is_still_no_nonsense() -> None:
    with pytest.raises(DeclarationError, match="ambiguous"):
        Duration.parse_or_zero("0m")
    assert Duration.parse("1d") == Duration.parse_or_zero("1d")


@pytest.mark.parametrize("text", ["", "d", "7", "7D", "٧d", "7 days", "1h30min", "1_000s"])
def test_what_is_no_number_and_unit_is_not_guessed_at(text: str) -> None:
    with pytest.raises(DeclarationError, match="is not understood"):
        Duration.parse(text)
