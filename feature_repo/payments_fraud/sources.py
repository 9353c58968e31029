"""What the acquirer delivers: payments every day, fraud reports seven days later."""

from datetime import datetime
from decimal import Decimal

from lakehouse.declare import Cleaned, Contract, Raw, Source, column, event_time, key, known_at

OWNER = "payments@bank.example"


class Payment(Contract, owner=OWNER):
    """One card payment, as the acquirer reports it; the daily file records a live feed."""

    payment_id: str = key()
    card_id: str = column(personal=True, description="the customer's card")
    terminal_id: str = column(description="where the card was used")
    amount_eur: Decimal = column(ge=0, le=50_000, scale=2)
    paid_at: datetime = event_time(known=True)


class FraudReport(Contract, owner=OWNER):
    """A payment that its card holder reported as fraud."""

    payment_id: str = key()
    reported_at: datetime = known_at()


payment_feed = Source(
    "payment_feed",
    Payment,
    path="payments/*.csv",
    description="One CSV file a day.",
)
fraud_report_feed = Source(
    "fraud_report_feed",
    FraudReport,
    path="fraud_reports/*",
    description="One CSV file a day; outcomes sent to the service land here too.",
)

payments = Cleaned(
    "payments",
    Raw("payments_raw", payment_feed),
    on_violation="quarantine",
    description="Payments that keep their contract, typed.",
)
fraud_reports = Cleaned(
    "fraud_reports",
    Raw("fraud_reports_raw", fraud_report_feed),
    on_conflict="latest",
    description="The last report of each payment.",
)
