"""What lies near what, and what near is worth."""

import numpy as np
import pytest

from desktop.inference.embedding import (
    ENOUGH_FOR_MEAN,
    FEWEST_TO_COMPARE,
    Alikeness,
    Embeddings,
    alikeness,
    cosines,
)
from desktop.records import InstanceId

NUMBERS = np.random.default_rng(5)


def test_the_angle_decides_and_not_the_length() -> None:
    query = np.array([1, 0], np.float32)
    others = np.array([[5, 0], [0, 2], [-3, 0], [1, 1], [0, 0]], np.float32)
    assert cosines(query, others) == pytest.approx([1, 0, -1, 0.7071, 0], abs=1e-4)


def test_what_all_have_in_common_is_taken_off_once_there_are_enough() -> None:
    own = NUMBERS.normal(size=(ENOUGH_FOR_MEAN, 16)).astype(np.float32)
    squeezed = own + np.float32(50)
    query = squeezed[0] + np.float32(0.01)
    few = cosines(query, squeezed[: ENOUGH_FOR_MEAN - 1])
    assert float(few.min()) > 0.99
    many = cosines(query, squeezed)
    assert int(np.argmax(many)) == 0
    assert float(np.sort(many)[-2]) < 0.8


def test_near_is_what_is_nearer_than_pairs_usually_are() -> None:
    vectors = NUMBERS.normal(size=(60, 8)).astype(np.float32)
    owners = [str(at) for at in range(60)]
    assert alikeness(0.99, vectors, owners) is Alikeness.VERY
    assert alikeness(-0.99, vectors, owners) is Alikeness.HARDLY
    centred = vectors - vectors.mean(axis=0)
    lengths = np.linalg.norm(centred, axis=1)
    pairs = ((centred @ centred.T) / np.outer(lengths, lengths))[np.triu_indices(60, 1)]
    for share, word in ((0.90, Alikeness.ALIKE), (0.65, Alikeness.SOMEWHAT), (0.4, Alikeness.HARDLY)):
        assert alikeness(float(np.quantile(pairs, share)), vectors, owners) is word


def test_too_few_pictures_or_people_tell_nothing() -> None:
    vectors = NUMBERS.normal(size=(30, 4)).astype(np.float32)
    assert alikeness(1.0, vectors[: FEWEST_TO_COMPARE - 1], ["a"] * 9) is Alikeness.UNKNOWN
    assert alikeness(1.0, vectors, ["one and the same"] * 30) is Alikeness.UNKNOWN


def test_memory_has_a_bound_and_forgets_what_was_longest_unused() -> None:
    kept = Embeddings(most=3 * 16)
    for name in "abc":
        kept.put("w", InstanceId(name), np.zeros(4, np.float32))
    assert kept.get("w", InstanceId("a")) is not None
    kept.put("w", InstanceId("d"), np.zeros(4, np.float32))
    kept.put("w", InstanceId("d"), np.ones(4, np.float32))
    assert [kept.get("w", InstanceId(name)) is not None for name in "abcd"] == [True, False, True, True]
    assert kept.get("other weights", InstanceId("a")) is None
    assert len(kept) == 3
