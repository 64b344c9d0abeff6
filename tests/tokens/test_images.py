from base64 import b64encode
from struct import pack

import pytest

from outgate.dialects.registry import spec
from outgate.tokens.images import dimensions, image_tokens, most, unjudged_tokens

OPENAI, ANTHROPIC = spec("openai").images, spec("anthropic").images

PAD = b"\0" * 64


def png(width, height):
    return b"\x89PNG\r\n\x1a\n" + pack(">I", 13) + b"IHDR" + pack(">II", width, height) + PAD


def gif(width, height):
    return b"GIF89a" + pack("<HH", width, height) + PAD


def webp(width, height):
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + PAD[:4] + b"WEBPVP8X" + pack("<I", 10) + PAD[:4] + sizes + PAD


def jpeg(width, height):
    exif = b"\xff\xe1" + pack(">H", 300) + b"x" * 298
    frame = b"\xff\xc2" + pack(">HBHH", 17, 8, height, width)
    return b"\xff\xd8" + exif + frame + PAD


def openai(*files):
    images = ",".join(
        f'{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{b64encode(f).decode()}"}}}}' for f in files
    )
    return f'{{"messages":[{{"role":"user","content":[{images}]}}]}}'.encode()


@pytest.mark.parametrize("make", [png, gif, webp, jpeg])
def test_dimensions_are_read_from_the_head_of_the_file(make):
    assert (640, 480) == dimensions(b64encode(make(640, 480)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not an image, just text that is long enough",
        png(1, 1)[:10],
        b"\xff\xd8" + b"\xff\xe1\xff\xff",
        b"RIFF0000WEBPVP8 lossy" + PAD,
    ],
)
def test_what_is_no_known_header_has_no_dimensions(data):
    assert dimensions(b64encode(data)) is None


@pytest.mark.parametrize(
    ("model", "size", "tokens"),
    [
        ("gpt-4o", (1024, 1024), 765),  # the documented examples: 1024 x 1024 and 2048 x 4096 at high detail
        ("gpt-4o", (2048, 4096), 1105),
        ("gpt-4o", (1, 1), 255),
        ("gpt-4o-mini", (512, 512), 2833 + 5667),
        ("gpt-4.1-mini", (1024, 1024), 1659),
        ("gpt-4.1-mini", (9000, 9000), 2489),
        ("claude-sonnet-4-5", (1000, 1000), 1334),
        ("claude-sonnet-4-5", (8000, 8000), 1600),
        ("claude-opus-4-8", (8000, 8000), 4784),
        ("unheard-of", (10, 10), 4784),
    ],
)
def test_an_image_costs_what_its_provider_documents(model, size, tokens):
    assert tokens == image_tokens(model, *size)


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4o-mini", "gpt-4.1-nano", "gpt-5", "o3", "claude-sonnet-4-5", "claude-opus-4-8"])
def test_no_size_costs_more_than_the_bound(model):
    sides = (1, 300, 511, 513, 768, 769, 1024, 2047, 2048, 2049, 5000, 20_000)

    assert most(model) == max(image_tokens(model, w, h) for w in sides for h in sides)


def test_a_request_without_such_parts_is_not_even_encoded():
    for kinds in ((), ("hosted_tool",)):
        assert 0 == unjudged_tokens(frozenset(kinds), lambda: pytest.fail("encoded"), "gpt-4o", OPENAI)


def test_known_images_are_counted_one_by_one():
    body = openai(png(1024, 1024), jpeg(512, 512))

    assert 765 + 255 == unjudged_tokens(frozenset({"image"}), lambda: (body, len(body)), "gpt-4o", OPENAI)


def test_images_by_address_cost_the_most_they_can():
    body = b'{"content":[{"type":"image_url","image_url":{"url":"https://x/a"}},{"type":"image_url","image_url":{"url":"https://x/b"}}]}'

    assert 2 * most("gpt-4o") == unjudged_tokens(frozenset({"image"}), lambda: (body, len(body)), "gpt-4o", OPENAI)


def test_an_anthropic_image_is_found_by_its_source():
    data = b64encode(png(750, 100))
    body = b'{"type":"image","source":{"type":"base64","media_type":"image/png","data":"' + data + b'"}}'

    assert 100 == unjudged_tokens(frozenset({"image"}), lambda: (body, len(body)), "claude-sonnet-4-5", ANTHROPIC)


def test_text_that_spells_an_image_does_not_stand_in_for_one():
    import orjson

    spelled = openai(png(1, 1)).decode()
    body = orjson.dumps(
        {"content": [{"type": "text", "text": spelled}, {"type": "image_url", "image_url": {"url": "https://x/a"}}]}
    )

    assert most("gpt-4o") == unjudged_tokens(frozenset({"image"}), lambda: (body, len(body)), "gpt-4o", OPENAI)


@pytest.mark.parametrize("kind", ["audio", "file", "token_array", "opaque", "never heard of"])
def test_other_kinds_are_bounded_by_their_bytes(kind):
    assert 5000 == unjudged_tokens(frozenset({kind}), lambda: (b"x" * 5000, 5000), "gpt-4o", OPENAI)


def test_an_announced_image_that_is_not_found_still_counts():
    assert most("gpt-4o") == unjudged_tokens(frozenset({"image"}), lambda: (b"{}", 2), "gpt-4o", OPENAI)
