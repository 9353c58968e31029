"""A bakery that wants to know which orders are fetched: a use case as somebody would bring it."""

from lakehouse.declare import Domain

from .training import fetched

domain = Domain("bakery", description="Orders of a bakery.", models=(fetched,))
