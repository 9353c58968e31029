import random

import numpy as np
import pytest

from feature_repo.payments_fraud.generator.seeded_streams import SeededStreams, python_choices
from lakehouse.errors import LakehouseError

SEEDS = [0, 1, 7, 4999, 2**32 - 1]
MEANS = np.array([0.001, 0.7, 2.5, 4.0, 9.99])


@pytest.mark.parametrize("ahead", [1, 50, 10_000])
def test_streams_drawn_from_in_any_mixture_equal_numpys_generators(ahead: int) -> None:
    streams = SeededStreams(SEEDS, ahead)
    alone = [np.random.RandomState(seed) for seed in SEEDS]
    chance = random.Random(5)
    kinds = set()
    for _ in range(400):
        drawing = np.flatnonzero([chance.random() < 0.6 for _ in SEEDS])
        kind = chance.choice(["uniform", "normal", "poisson"])
        kinds.add(kind)
        if kind == "uniform":
            actual = streams.uniform(drawing).tolist()
            expected = [alone[at].uniform() for at in drawing]
        elif kind == "normal":
            actual = streams.normal(drawing).tolist()
            expected = [alone[at].standard_normal() for at in drawing]
            # NumPy's vectorised logarithm may differ from the C library's in the last bit.
            actual, expected = np.round(actual, 13).tolist(), np.round(expected, 13).tolist()
        else:
            actual = streams.poisson(drawing, MEANS[drawing]).tolist()
            expected = [alone[at].poisson(MEANS[at]) for at in drawing]
        assert actual == expected
    assert kinds == {"uniform", "normal", "poisson"}


@pytest.mark.parametrize("mean", [0.0, 10.0, -1.0, float("nan")])
def test_a_poisson_mean_that_numpy_draws_otherwise_is_refused(mean: float) -> None:
    streams = SeededStreams([0], ahead=8)
    with pytest.raises(LakehouseError, match="between 0 and 10"):
        streams.poisson(np.array([0]), np.array([mean]))


def test_choices_equal_those_of_the_random_module() -> None:
    seeds = [0, 1, 42, 4999, 2**32 - 1]
    items = [1, 2, 80, 64, 1000]
    sizes = [5, 0, 300, 1, 7000]
    expected = []
    for seed, count, size in zip(seeds, items, sizes, strict=True):
        generator = random.Random(seed)
        expected.append([generator.choice(range(count)) for _ in range(size)])
    assert [picks.tolist() for picks in python_choices(seeds, items, sizes)] == expected
