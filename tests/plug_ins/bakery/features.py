"""What is known of a customer when an order comes."""

from lakehouse import declare as use

from .tables import Order, sales

habits = use.FeatureView(
    "habits",
    of=sales,
    by=use.Entity("customer", key="customer"),
    orders=use.Count(over=use.last("14d")),
    fetched=use.Count(where="fetched", over=use.last("14d")),
)
at_order = use.RequestView(
    "at_order",
    request=Order,
    uses=(habits,),
    fetches="(habits.fetched_14d + 1) / (habits.orders_14d + 2)",
)
