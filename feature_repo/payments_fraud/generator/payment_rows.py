"""Drawn payments as Arrow rows, the same columns whichever generator drew them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.payments_fraud.generator.seeded_streams import Ints


class PaymentRows:
    """How a world's payments are written: the names of its cards and terminals, and its first day.

    Names of one kind are of equal length, so that they sort as the numbers in them do.
    """

    def __init__(self, customers: int, terminals: int, start: date) -> None:
        self._cards = _names("C", np.arange(customers), _digits(customers, 5))
        self._terminals = _names("T", np.arange(terminals), _digits(terminals, 5))
        self._midnight = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp())

    def batch(
        self,
        numbers: Ints,
        most: int,
        customer: Ints,
        terminal: Ints,
        second: Ints,
        cents: Ints,
        scenario: npt.NDArray[np.int8],
    ) -> pa.RecordBatch:
        """Payments as a record batch, in the order given.

        Columns: payment_id, card_id, terminal_id (string), amount_eur (decimal(12, 2)), paid_at
        (microseconds UTC, whole seconds), fraud_scenario (int8; 0 is no fraud). `second` counts
        from midnight of the first day; `most` is more than the number of any of the payments.
        """
        paid_at = pa.array((self._midnight + second) * 1_000_000).cast(pa.timestamp("us", tz="UTC"))
        return pa.record_batch(
            {
                "payment_id": _names("P", numbers, _digits(most, 7)),
                "card_id": self._cards.take(pa.array(customer)),
                "terminal_id": self._terminals.take(pa.array(terminal)),
                "amount_eur": _amounts(cents),
                "paid_at": paid_at,
                "fraud_scenario": pa.array(scenario),
            }
        )


def _digits(count: int, least: int) -> int:
    return max(least, len(str(count - 1)))


def _names(letter: str, numbers: Ints, digits: int) -> pa.Array:
    padded = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), digits, "0")
    return pc.binary_join_element_wise(letter, padded, "")


def _amounts(cents: Ints) -> pa.Array:
    """Cents as decimal(12, 2): 128-bit numbers, whose upper half the sign fills."""
    words = np.empty((cents.size, 2), dtype=np.int64)
    words[:, 0] = cents
    words[:, 1] = cents >> 63
    return pa.Array.from_buffers(pa.decimal128(12, 2), cents.size, [None, pa.py_buffer(words)])
