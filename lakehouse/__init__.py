"""A data platform with a feature store: declare a use case once, run it everywhere."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakehouse.sdk.lake import Lake

__all__ = ["Lake"]


def __getattr__(name: str) -> Any:
    """Load the SDK only when it is asked for: declarations and clients stay light."""
    if name == "Lake":
        from lakehouse.sdk.lake import Lake

        return Lake
    raise AttributeError(f"module 'lakehouse' has no attribute '{name}'")
