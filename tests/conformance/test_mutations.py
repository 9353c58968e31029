"""The conformance suite catches engines that are wrong, each by the check that is meant to."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.engines.protocol import Engine
from lakehouse.errors import LakehouseError
from lakehouse.testing.conformance import CHECKS, NotConforming
from lakehouse.testing.mutations import (
    AGGREGATE_MUTATIONS,
    ANY_AGE_MUTATIONS,
    DEFAULT_MUTATIONS,
    MUTANTS,
    OPERAND_MUTATIONS,
    recomputed,
    unchanged,
)

CAUGHT_BY = {
    "a window's end is closed": "check_window_boundaries_to_the_microsecond",
    "a window's beginning is open": "check_window_boundaries_to_the_microsecond",
    "a tie is lost": "check_ties_all_count",
    "known time is ignored": "check_rows_count_once_known",
    "known time must be before the moment": "check_rows_count_once_known",
    "moments are in another zone": "check_moments_of_any_zone",
    "days are those of another zone": "check_edges",
    "times are cut to milliseconds": "check_window_boundaries_to_the_microsecond",
    "the delay is missing": "check_delay",
    "the edge is ignored": "check_edges",
    "nulls are counted": "check_nulls_are_skipped",
    "unknown is taken for true": "check_where_with_unknown",
    "a criterion is ignored": "check_where_with_unknown",
    "spine rows without events are lost": "check_every_spine_row_comes_back_once",
    "equal spine rows come back once": "check_every_spine_row_comes_back_once",
    "keys are concatenated": "check_composite_keys_do_not_collide",
    "keys are trimmed": "check_text_keys_are_compared_exactly",
    "whole-number keys are floats": "check_keys_of_every_type",
    "a null key is an entity": "check_composite_keys_do_not_collide",
    "amounts are floats": "check_decimals_are_exact",
    "floats have single precision": "check_floats_do_not_remember",
    "counts come as floats": "check_empty_tables_and_spines",
    "an empty mean is 0": "check_nulls_are_skipped",
    "an empty sum is null": "check_empty_tables_and_spines",
    "the time to live is ignored": "check_latest_ttl",
    "the row known last is the latest": "check_latest_late_rows",
    "nulls are filled from earlier rows": "check_latest_values_come_as_they_are",
    "a count is of different values": "check_every_function_on_awkward_rows",
    "a sum leaves out values that came before": "check_every_function_on_awkward_rows",
    "a mean is of different values": "check_every_function_on_awkward_rows",
    "the least is the greatest": "check_every_function_on_awkward_rows",
    "the greatest leaves out what is no number": "check_every_function_on_awkward_rows",
    "a deviation is of the population": "check_deviation_is_of_a_sample",
    "a deviation of one value is 0": "check_deviation_is_of_a_sample",
    "a deviation is of squares less squares": "check_deviation_of_large_numbers",
    "the first is the last": "check_ties_of_first_and_last",
    "the last is the first": "check_ties_of_first_and_last",
    "a tie by key is lost": "check_ties_of_first_and_last",
    "a tie by known time is lost": "check_ties_of_first_and_last",
    "the row known last is the last": "check_an_older_row_that_comes_late_takes_its_place",
    "null is a distinct value": "check_distinct_values_of_every_kind",
    "every row is a distinct value": "check_distinct_values_of_every_kind",
    "a value that comes again counts twice": "check_distinct_values_leave_and_come_again",
    "distinct values are told apart by text": "check_distinct_values_of_every_kind",
    "a share is of every row": "check_share_counts_what_is_unknown",
    "a share leaves out what is unknown": "check_share_counts_what_is_unknown",
    "a share counts rows without a value": "check_share_counts_what_is_unknown",
    "a list is oldest first": "check_lists_hold_up_to_k_values",
    "a list is one too long": "check_lists_hold_up_to_k_values",
    "a list holds nulls": "check_lists_hold_up_to_k_values",
    "a list holds a value once": "check_first_and_last_values_come_as_they_are",
    "a list of nothing is null": "check_lists_hold_up_to_k_values",
    "since is counted from when a row was known": "check_since_counts_from_when_rows_happened",
    "since is counted to the window's end": "check_since_counts_from_when_rows_happened",
    "since counts from the first row": "check_since_counts_from_when_rows_happened",
    "the most frequent value is the last": "check_the_most_frequent_value",
    "of equally frequent values the first that came counts": "check_the_most_frequent_value",
    "the most frequent value is that of texts": "check_the_most_frequent_value",
    "a quantile lies between two values": "check_quantiles_are_values_at_a_place",
    "a quantile is counted in floats": "check_quantiles_are_values_at_a_place",
    "a quantile is of different values": "check_quantiles_are_values_at_a_place",
    "a trend is by the second": "check_trends_rise_by_the_day",
    "a trend is from the first value to the last": "check_trends_rise_by_the_day",
    "a trend of one time is level": "check_trends_rise_by_the_day",
    "a trend is of squares less squares": "check_trends_rise_by_the_day",
    "a default is given whatever is there": "check_defaults_stand_for_null",
    "a default is left out": "check_defaults_stand_for_null",
    "a default stands only where there is no row": "check_defaults_stand_for_null",
    "one row more is among the last": "check_last_rows_are_of_any_age",
    "a null takes no place among the last rows": "check_a_null_is_among_the_last_rows",
    "the last rows are counted whatever they fulfil": "check_a_null_is_among_the_last_rows",
    "the rows known last are the last so many": "check_last_rows_are_those_known",
    "the last rows of one time go by their place": "check_the_key_orders_rows_of_one_time",
    "what was ever is of a year": "check_ever_is_all_that_was",
    "what was ever leaves out what was known late": "check_ever_is_all_that_was",
    "an expression is ignored": "check_an_expression_is_of_each_row",
    "an expression is computed of sums": "check_an_expression_is_of_each_row",
    "an expression is cast to the scale of its column": "check_amounts_of_expressions_are_exact",
    "an expression of amounts is computed in floats": "check_amounts_of_expressions_are_exact",
    "a transaction is applied again": "check_a_transaction_is_applied_once",
    "the version asked for is ignored": "check_every_version_can_be_read",
    "the condition of a read is ignored": "check_reads_are_pruned",
    "a merge replaces nothing": "check_merge_replaces_adds_and_removes",
    "a merge removes nothing": "check_merge_replaces_adds_and_removes",
    "an overwrite keeps what was there": "check_every_version_can_be_read",
    "a new column is lost": "check_a_new_column_widens_the_table",
    "a commit's metadata is lost": "check_tables_are_plain_delta",
    "equal rows are written once": "check_values_come_back_as_written",
    "only one batch is mapped": "check_every_row_is_mapped_once",
    "any answer of a function is taken": "check_an_answer_of_other_columns_is_refused",
    "a stream is ordered by one column": "check_rows_stream_in_order",
    "a missing input is fitted as 0": "check_a_fit_learns_from_every_row",
    "half of the rows are fitted": "check_a_fit_learns_from_every_row",
}

RECOMPUTED = {
    *AGGREGATE_MUTATIONS,
    *ANY_AGE_MUTATIONS,
    *DEFAULT_MUTATIONS,
    *OPERAND_MUTATIONS,
}
"""Mistakes that are made in values computed anew."""


def test_every_mutant_has_a_check() -> None:
    assert sorted(CAUGHT_BY) == sorted(MUTANTS)


@pytest.mark.parametrize("mutation", MUTANTS)
def test_mutant_is_caught(mutation: str, engine: Engine, tmp_path: Path) -> None:
    with pytest.raises((NotConforming, LakehouseError)):  # an engine may refuse what is wrong
        CHECKS[CAUGHT_BY[mutation]](MUTANTS[mutation](engine), tmp_path)


# The wrapper hands verbs on whatever engine it wraps, so one engine shows that it does.
@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
@pytest.mark.parametrize("check", sorted(set(CAUGHT_BY.values())))
def test_wrapper_without_a_mistake_passes(check: str, engine: Engine, tmp_path: Path) -> None:
    CHECKS[check](unchanged(engine), tmp_path)


@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
@pytest.mark.parametrize("check", sorted({CAUGHT_BY[name] for name in RECOMPUTED}))
def test_values_computed_anew_without_a_mistake_pass(
    check: str, engine: Engine, tmp_path: Path
) -> None:
    CHECKS[check](recomputed(engine), tmp_path)
