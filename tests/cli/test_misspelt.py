from outgate.cli.misspelt import there_is_no


def test_the_nearest_is_named():
    assert "there is no workload Reserch in p.yaml; did you mean research?" == there_is_no(
        "workload", "Reserch", {"research", "web"}, "p.yaml"
    )


def test_where_none_is_near_they_are_listed_up_to_eight():
    assert "there is no route x in p; it has a, b" == there_is_no("route", "x", ["b", "a"], "p")
    assert there_is_no("route", "x", "abcdefghij", "p").endswith("it has a, b, c, d, e, f, g, h and 2 more")


def test_where_there_is_none_at_all():
    assert "there is no workload x in p; it has none" == there_is_no("workload", "x", (), "p", "it has none")
    assert "there is no workload x in p" == there_is_no("workload", "x", (), "p")
