"""The handbook's features: what a card and a terminal did before this payment."""

from feature_repo.payments_fraud.sources import OWNER, Payment, payments
from feature_repo.payments_fraud.tables import reported_frauds
from lakehouse.declare import Count, Entity, FeatureView, RequestView, Sum, last

card = Entity("card", key="card_id")
terminal = Entity("terminal", key="terminal_id")
WINDOWS = ("1d", "7d", "30d")

card_spend = FeatureView(
    "card_spend",
    of=payments,
    by=card,
    description="How often and how much a card paid.",
    owner=OWNER,
    payments=Count(over=last(*WINDOWS)),
    spend=Sum("amount_eur", over=last(*WINDOWS)),
)

terminal_activity = FeatureView(
    "terminal_activity",
    of=payments,
    by=terminal,
    delay="7d",
    description="How often a terminal was used, a week ago: at that distance labels are in.",
    owner=OWNER,
    payments=Count(over=last(*WINDOWS)),
)

terminal_frauds = FeatureView(
    "terminal_frauds",
    of=reported_frauds,
    by=terminal,
    delay="7d",
    description="How many of a terminal's payments were fraud, a week ago.",
    owner=OWNER,
    frauds=Count(over=last(*WINDOWS)),
)


def _at_payment() -> dict[str, str]:
    """The model's inputs; the payment that asks counts itself in."""
    inputs = {
        "amount": "float(amount_eur)",
        "weekend": "weekday(paid_at) >= 5",
        "night": "hour(paid_at) <= 6",
    }
    for w in WINDOWS:
        inputs[f"card_payments_{w}"] = f"card_spend.payments_{w} + 1"
        inputs[f"card_mean_amount_{w}"] = (
            f"(card_spend.spend_{w} + amount_eur) / (card_spend.payments_{w} + 1)"
        )
    for w in WINDOWS:
        inputs[f"terminal_payments_{w}"] = f"terminal_activity.payments_{w}"
        inputs[f"terminal_risk_{w}"] = (
            f"case when terminal_activity.payments_{w} = 0 then 0.0 else "
            f"terminal_frauds.frauds_{w} / terminal_activity.payments_{w} end"
        )
    return inputs


at_payment = RequestView(
    "at_payment",
    request=Payment,
    uses=(card_spend, terminal_activity, terminal_frauds),
    description="The handbook's fifteen inputs, at the moment of payment.",
    owner=OWNER,
    **_at_payment(),
)
