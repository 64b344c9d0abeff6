import pytest
from ctok import token_count

from outgate.tokens.claude import Words, load

ENGLISH = "The gateway reads every request, judges it, and sends what was judged. It's the provider's turn after that. " * 20
CODE = "def price(self, word):\n    if word in self._known:\n        return self._known[word]\n    return cost(word) + 1\n" * 20
JSON = '{"type": "object", "properties": {"path": {"type": "string"}, "limit": {"type": "integer"}}}\n' * 20
KOREAN = "안녕하세요 세계 오늘은 날씨가 좋습니다. " * 20
CHINESE = "今天天气很好\uff0c我们去公园散步吧。人工智能网关管理出口流量。" * 20


def letters(word):
    return len(word)


def test_a_word_is_priced_once():
    priced = []
    words = Words(lambda word: priced.append(word) or 1)
    words.count(["one two one"])
    words.count(["one two"])

    assert ["one", " two", " one"] == priced


def test_known_words_add_up():
    words = Words(letters)
    words.count(["alpha beta"])

    assert [len("alpha beta beta")] == words.count(["alpha beta beta"])


def test_new_words_are_priced_up_to_a_bound_and_estimated_beyond_it():
    priced = []
    words = Words(lambda word: priced.append(word) or 1, per_call=20)
    (first,) = words.count([" ".join(f"word{number}" for number in range(100))])

    assert sum(map(len, priced)) <= 20
    assert first > 200


def test_the_bound_is_for_all_texts_of_a_call_together():
    priced = []
    words = Words(lambda word: priced.append(word) or 1, per_call=20)
    words.count([f"first{number} second{number}" for number in range(50)])

    assert sum(map(len, priced)) <= 20


def test_the_estimate_becomes_the_count_as_words_are_learned():
    words = Words(letters, per_call=50)
    text = " ".join(f"word{number:03}" for number in range(100))
    for _ in range(100):
        words.count([text])

    assert [len(text)] == words.count([text])


def test_a_long_run_without_spaces_is_bounded_work():
    longest = []
    words = Words(lambda word: longest.append(len(word)) or 1, per_call=10_000)
    words.count(["x" * 5_000, " " * 5_000 + "y"])

    assert max(longest) <= 64


def test_memory_holds_hashes_and_no_text():
    words = Words(letters)
    words.count(["secret words"])

    assert {int} == {type(key) for key in words._known}


def test_the_table_of_words_is_bounded(monkeypatch):
    monkeypatch.setattr("outgate.tokens.claude._MOST_WORDS", 50)
    words = Words(letters, per_call=10_000)
    words.count([" ".join(map(str, range(500)))])

    assert len(words._known) <= 50


def test_an_empty_text_is_nothing():
    assert [0] == Words(letters).count([""])


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.0", "4.7", "4.8"])
def test_words_agree_with_ctok_on_whole_texts(version):
    words = load(version)
    words._per_call = 1_000_000
    frame = token_count("a", version) - 1
    for text in (ENGLISH, CODE, JSON, KOREAN, CHINESE):
        exact = token_count(text, version) - frame

        assert words.count([text])[0] == pytest.approx(exact, rel=0.04)
