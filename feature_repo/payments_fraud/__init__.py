"""Card payments: detect fraud and decide in milliseconds."""

from feature_repo.payments_fraud.features import card_spend, terminal_activity, terminal_frauds
from feature_repo.payments_fraud.sources import OWNER
from feature_repo.payments_fraud.training import fraud, handbook
from lakehouse.declare import Domain

domain = Domain(
    "payments_fraud",
    description="Card payments: features per card and terminal, a fraud score, a decision.",
    owner=OWNER,
    views=(card_spend, terminal_activity, terminal_frauds),
    models=(fraud,),
    evaluations=(handbook,),
    deliver="feature_repo.payments_fraud.generator.deliveries:deliver",
)
