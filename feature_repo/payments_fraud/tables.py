"""Business tables: payments with what became of them."""

from datetime import datetime

from feature_repo.payments_fraud.sources import Payment, fraud_reports, payments
from lakehouse.declare import Contract, Curated, column, event_time, key


class LabelledPayment(Payment):
    """A payment, and whether it was reported as fraud so far."""

    is_fraud: bool


class ReportedFraud(Contract):
    """A payment known to be fraud; known when it was reported."""

    payment_id: str = key()
    card_id: str = column(personal=True)
    terminal_id: str
    paid_at: datetime = event_time()


labelled_payments = Curated(
    "labelled_payments",
    """
    SELECT p.payment_id, p.card_id, p.terminal_id, p.amount_eur, p.paid_at,
           r.payment_id IS NOT NULL AS is_fraud
    FROM {payments} p
    LEFT JOIN {fraud_reports} r ON r.payment_id = p.payment_id
    """,
    inputs=(payments, fraud_reports),
    contract=LabelledPayment,
    description="Every payment with its label as reported so far.",
)

reported_frauds = Curated(
    "reported_frauds",
    """
    SELECT p.payment_id, p.card_id, p.terminal_id, p.paid_at
    FROM {payments} p
    JOIN {fraud_reports} r ON r.payment_id = p.payment_id
    """,
    inputs=(payments, fraud_reports),
    contract=ReportedFraud,
    description="Payments reported as fraud. A report of an unknown payment waits for it.",
)
