import numpy as np
import pytest

from feature_repo.payments_fraud.generator.reach import Reach


def near(places: np.ndarray, terminals: np.ndarray, radius: float) -> np.ndarray:
    """Whether each terminal (a column) is within reach of each customer (a row)."""
    apart = places[:, None, :] - terminals[None, :, :]
    return np.sqrt(np.square(apart).sum(axis=2)) < radius


@pytest.mark.parametrize(
    ("terminals", "radius"),
    [(3000, 5.0), (2000, 0.9), (40, 12.0), (1, 70.0), (200, 150.0), (5000, 33.3)],
)
def test_every_terminal_in_reach_is_chosen_and_no_other(terminals: int, radius: float) -> None:
    random = np.random.default_rng(0)
    places = random.uniform(0, 100, (50, 2))
    places[:4] = [[0.0, 0.0], [0.0, 99.999], [99.999, 0.0], [99.999, 99.999]]
    where = random.uniform(0, 100, (terminals, 2))
    expected = near(places, where, radius)
    reach = Reach(places, where, radius)
    assert expected.any(axis=1).tolist() == reach.any.tolist()

    draws = 40 * int(expected.sum(axis=1).max())  # so many that none is left out
    customers = np.repeat(np.flatnonzero(reach.any), draws)
    chosen = np.zeros_like(expected)
    chosen[customers, reach.choose(customers, random)] = True
    assert np.array_equal(expected, chosen)


def test_terminals_in_reach_are_equally_likely() -> None:
    random = np.random.default_rng(1)
    where = random.uniform(0, 100, (10_000, 2))
    places = np.array([[50.0, 50.0], [0.0, 100.0]])
    reach = Reach(places, where, 5.0)
    for customer, of_customer in enumerate(near(places, where, 5.0)):
        choices = int(of_customer.sum())
        draws = 1000 * choices
        found = np.bincount(reach.choose(np.full(draws, customer), random), minlength=len(where))[
            of_customer
        ]
        chi_square = float(np.square(found - 1000).sum() / 1000)
        # Five standard deviations of a chi-square distribution.
        assert abs(chi_square - (choices - 1)) < 5 * np.sqrt(2 * (choices - 1))


def test_a_customer_whose_stretches_hold_terminals_but_whose_disc_holds_none_reaches_none() -> None:
    # Beyond the disc's edge, but within the strip that its edge lies in.
    where = np.array([[50.0 + 4.1, 50.0 + 2.9]])
    reach = Reach(np.array([[50.0, 50.0]]), where, 5.0)
    assert not near(np.array([[50.0, 50.0]]), where, 5.0).any()
    assert [False] == reach.any.tolist()
