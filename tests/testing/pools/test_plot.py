"""A plot holds a dot for each run and a bar for each picker."""

from xml.etree import ElementTree as ET

from outgate.testing.pools.plot import plot


def test_every_run_is_a_dot_and_every_row_has_its_mean():
    drawn = plot({"fresh": {"a & b": [1.0, 4.0], "c": [5000.0]}, "none": {"a & b": [1.0]}})
    root = ET.fromstring(drawn)
    names = [each.tag.rpartition("}")[2] for each in root.iter()]

    assert 4 == names.count("circle")
    assert ["fresh: 2.00", "none: 1.00", "fresh: 5000.00"] == [each.text for each in root.iter("{http://www.w3.org/2000/svg}title")]
    assert "a &amp; b" in drawn
