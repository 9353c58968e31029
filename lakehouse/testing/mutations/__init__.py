"""Engines that are wrong on purpose, to show that the conformance suite notices.

A mutant wraps an engine that is right and makes one mistake, of a kind that engines do make. Each
must fail at least one check, and the wrapper that makes none must pass them all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from lakehouse.engines.protocol import Engine
from lakehouse.testing.mutations.aggregates import AGGREGATE_MUTATIONS, AggregateMutant
from lakehouse.testing.mutations.any_age import ANY_AGE_MUTATIONS
from lakehouse.testing.mutations.batches import BATCH_MUTATIONS
from lakehouse.testing.mutations.defaults import DEFAULT_MUTATIONS, DefaultMutant, recomputed
from lakehouse.testing.mutations.features import FEATURE_MUTATIONS, FeatureMutant, Mutation
from lakehouse.testing.mutations.operands import OPERAND_MUTATIONS
from lakehouse.testing.mutations.tables import TABLE_MUTATIONS

MUTANTS: dict[str, Callable[[Engine], Engine]] = {
    **{
        name: partial(FeatureMutant, mutation=mutation)
        for name, mutation in FEATURE_MUTATIONS.items()
    },
    **{
        name: partial(AggregateMutant, applies=applies, wrong=wrong)
        for name, (applies, wrong) in (
            AGGREGATE_MUTATIONS | ANY_AGE_MUTATIONS | OPERAND_MUTATIONS
        ).items()
    },
    **{
        name: partial(DefaultMutant, applies=applies, wrong=wrong)
        for name, (applies, wrong) in DEFAULT_MUTATIONS.items()
    },
    **TABLE_MUTATIONS,
    **BATCH_MUTATIONS,
}
"""Every mistake by what it is, and the engine that makes it."""


def unchanged(engine: Engine) -> Engine:
    """Return an engine wrapped as the mutants are, with no mistake."""
    return FeatureMutant(engine, Mutation())


__all__ = [
    "AGGREGATE_MUTATIONS",
    "ANY_AGE_MUTATIONS",
    "DEFAULT_MUTATIONS",
    "MUTANTS",
    "OPERAND_MUTATIONS",
    "recomputed",
    "unchanged",
]
