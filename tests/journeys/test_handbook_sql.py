"""The handbook's features equal independently written window SQL on every row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.payments_fraud.generator.simulator import simulate
from tests.journeys.conftest import SMALL
from tests.journeys.handbook_sql import SQL, by_platform, by_sql, compare


def test_the_14_features_agree_with_window_sql_on_every_row(
    demo: tuple[Path, str], open_context: Callable[[Path], Any]
) -> None:
    right = by_sql(simulate(**SMALL))
    found = by_platform(open_context(demo[0]))
    wrong = compare(found, right)
    assert len(wrong) == 14
    assert wrong == dict.fromkeys(wrong, 0)
    for name in wrong:  # and there is something to agree about
        assert pc.sum(right.column(name).cast(pa.float64())).as_py() > 0


def test_a_window_that_holds_its_own_end_would_be_noticed(
    demo: tuple[Path, str], open_context: Callable[[Path], Any]
) -> None:
    closed = SQL.replace("1 microsecond", "0 microseconds")
    found = by_platform(open_context(demo[0]))
    wrong = compare(found, by_sql(simulate(**SMALL), closed))
    assert found.num_rows == wrong["card_payments_1d"]
