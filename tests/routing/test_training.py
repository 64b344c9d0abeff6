"""Fits are the same for the same phrases, few phrases do, and a long list falls into its parts."""

from base64 import b64encode

import numpy as np

from outgate.routing.training import cluster, fitted


def around(*centres, count=8, seed=0):
    """Unit vectors around these axes, in turn."""
    random = np.random.default_rng(seed)
    vectors = np.stack([np.eye(16)[centre] + random.normal(0, 0.1, 16) for _ in range(count) for centre in centres])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def item(*topics, clusters=None):
    return {
        "topics": [[b64encode(each.astype("<f2").tobytes()).decode() for each in vectors] for vectors in topics],
        "clusters": clusters or [1] * len(topics),
    }


def test_clusters_are_the_parts_of_a_list():
    found = cluster(around(0, 1, 2), 3)

    assert [list(range(part, 24, 3)) for part in range(3)] == sorted(each.tolist() for each in found)


def test_there_are_no_more_clusters_than_phrases():
    assert 2 == len(cluster(around(0, 1, count=1), 9))


def test_one_phrase_of_each_topic_is_enough_to_fit():
    (first,), (second,) = fitted(item(around(0, count=1), around(1, count=1)))

    assert [0] == first["members"] == second["members"]
    assert first["row"] != second["row"]


def test_the_same_phrases_give_the_same_fit():
    assert fitted(item(around(0, 1, 2), around(3), clusters=[3, 1])) == fitted(item(around(0, 1, 2), around(3), clusters=[3, 1]))
