from outgate.detectors.pii.reading import places, read


def test_the_views_of_a_text_have_its_length() -> None:
    text = 'Né 4,"İ"'
    reading = read(text)
    assert (text, b'a? 0,"?"', 'n? 4,"?"') == (reading.text, reading.shape, reading.lower)


def test_escaped_white_space_is_white_space() -> None:
    assert b'"a  0"' == read(r'"b\n4"').shape


def test_places_do_not_overlap() -> None:
    assert [1, 3] == list(places(b"a0000a0", b"00"))
