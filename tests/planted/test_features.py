"""The directions that stand for features."""

import numpy as np

from pytest_interp.planted import planted_model
from pytest_interp.planted.features import N_QUIET, feature_names, random_basis, width_needed


def test_a_basis_parts_the_space_that_has_no_mean():
    mechanism = planted_model("gpt2").mechanism
    names, width = feature_names(mechanism), width_needed(mechanism) + 10
    basis = random_basis(mechanism, width, np.random.default_rng(0))
    assert tuple(basis.directions) == names
    rest = width - 1 - len(names)
    private = (rest - N_QUIET) // 3
    # a third of what no feature needs tells tokens apart, and the distractors have most of it
    assert abs(len(basis.private_junk) - private) <= 1
    assert len(basis.quiet) == N_QUIET
    assert len(basis.junk) == rest - N_QUIET - len(basis.private_junk)
    rows = np.concatenate([basis.rows(names), basis.junk, basis.private_junk, basis.quiet])
    np.testing.assert_allclose(rows @ rows.T, np.eye(width - 1), atol=1e-12)
    np.testing.assert_allclose(rows.sum(axis=1), 0, atol=1e-12)
    assert np.abs(rows).max() < 0.9, "none lies along an axis"
