"""Labelled images: the digits are whole, and split by the generator that is given."""

import numpy as np

from refimpl import datasets


def test_digits_are_the_1797_images_in_the_unit_interval():
    data = datasets.digits(np.random.default_rng(0), 1000)
    assert data.X.shape == (1000, 64) and data.X_test.shape == (797, 64)
    X = np.concatenate([data.X, data.X_test])
    assert X.min() == 0 and X.max() == 1
    labels = np.concatenate([data.labels, data.labels_test])
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    np.testing.assert_array_equal(np.bincount(labels), counts)
    assert len(np.unique(X, axis=0)) == 1797  # no image is in both halves


def test_the_split_of_digits_follows_the_generator():
    first, again, other = (
        datasets.digits(np.random.default_rng(seed), 10) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.X, again.X)
    assert not np.array_equal(first.X, other.X)


def test_sets_of_digits_share_no_image_while_there_are_enough():
    parts = [datasets.digits(np.random.default_rng(3), 300, k) for k in range(-1, 6)]
    sets = [{image.tobytes() for image in data.X} for data in parts]
    shared = [[len(one & other) for one in sets] for other in sets]
    assert shared[1] == [0, 300, 0, 0, 0, 0, 3]  # 1,797 are 3 short of six sets
    for data, train in zip(parts, sets):
        assert len(data.X_test) == 1497
        assert not train & {image.tobytes() for image in data.X_test}


def test_one_hot_rows_are_those_of_the_identity():
    np.testing.assert_array_equal(datasets.one_hot([2, 0], 3), [[0, 0, 1], [1, 0, 0]])
