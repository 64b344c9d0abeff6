"""Forms are read in one way only, and are written anew."""

import pytest

from outgate.dialects.form import Part, parts_of, replaced, written
from outgate.errors import WireError

TYPE = "multipart/form-data; boundary=B"
FORM = (
    b'--B\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--B--\r\n'
)
PARTS = (Part("purpose", b"user_data"), Part("file", b"hello", "a.txt", "text/plain"))


def test_a_form_is_read_and_written():
    described, body = written(parts_of(TYPE, FORM))

    assert PARTS == parts_of(TYPE, FORM) == parts_of(described, body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--B--\r\n",
        b"junk" + FORM,
        FORM[:-6],
        FORM[:-2].replace(b"--B--", b"--C--"),
        FORM.replace(b"\r\n", b"\n"),
        FORM.replace(b'"purpose"', b'"file"'),
        FORM.replace(b'"purpose"', b"purpose"),
        FORM.replace(b'"a.txt"', b'"../a.txt"'),
        FORM.replace(b'"a.txt"', b'"a\\"; name=\\"b.txt"'),
        FORM.replace(b'"a.txt"', b'"a\x00.txt"'),
        FORM.replace(b'filename="a.txt"', b'filename="a.txt"; filename="b.txt"'),
        FORM.replace(b'filename="a.txt"', b"filename*=UTF-8''a.txt"),
        FORM.replace(b"form-data", b"attachment"),
        FORM.replace(b"text/plain", b"text/plain\r\nContent-Transfer-Encoding: base64"),
        FORM.replace(b"text/plain", b"text/plain\r\nContent-Disposition: form-data; name=x"),
        FORM.replace(b"text/plain", b"multipart/mixed; boundary=C"),
        FORM.replace(b"\r\nContent-Type", b"\r\n Content-Type"),
        FORM.replace(b"user_data", b"x" * 20_000),
        b"".join(b'--B\r\nContent-Disposition: form-data; name="p%d"\r\n\r\n\r\n' % n for n in range(40)) + b"--B--\r\n",
    ],
)
def test_what_two_parsers_might_read_differently_is_refused(body):
    with pytest.raises(WireError):
        parts_of(TYPE, body)


@pytest.mark.parametrize(
    "described",
    [
        None,
        "",
        "application/json",
        "multipart/form-data",
        "multipart/mixed; boundary=B",
        "multipart/form-data; boundary=B; boundary=C",
        "multipart/form-data; charset=utf-7; boundary=B",
        'multipart/form-data; boundary="B',
        f"multipart/form-data; boundary={'B' * 71}",
    ],
)
def test_a_content_type_that_is_not_plain_is_refused(described):
    with pytest.raises(WireError, match="boundary"):
        parts_of(described, FORM)


def test_a_boundary_inside_a_file_ends_nothing():
    described, body = written((Part("file", b'a\r\n--B\r\nContent-Disposition: form-data; name="x"\r\n\r\ny\r\n--B--', "a", ""),))

    assert 1 == len(parts_of(described, body))


def test_the_text_of_a_document_is_a_text_file():
    assert Part("file", b"words", "a.pdf.txt", "text/plain") == replaced(Part("file", b"%PDF", "a.pdf"), {"document": "words"})


def test_a_changed_name_that_would_be_another_field_is_refused():
    with pytest.raises(WireError):
        written((replaced(PARTS[1], {"filename": 'a"; name="b'}),))
