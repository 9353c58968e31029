"""What the till delivers, and the tables it lands in."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from lakehouse import declare as use


class Order(use.Contract):
    order_id: str = use.key()
    customer: str
    price_eur: Decimal = use.column(scale=2)
    ordered_at: datetime = use.event_time(known=True)


class Sale(Order):
    fetched: bool


till = use.Source("till", Sale, path="till/*.csv")
sales = use.Cleaned("sales", use.Raw("sales_raw", till))
