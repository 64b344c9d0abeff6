from outgate.detectors.pii.placeholders import Numbering, Placeholders


def test_the_same_value_has_the_same_placeholder_and_numbers_follow_the_text() -> None:
    numbering = Numbering(["irrelevant"])
    given = [numbering.placeholder("EMAIL_ADDRESS", value) for value in ("a@b.co", "c@d.io", "a@b.co")]
    assert ["<EMAIL_1>", "<EMAIL_2>", "<EMAIL_1>"] == given
    assert "<CARD_1>" == numbering.placeholder("CREDIT_CARD", "a@b.co")
    assert "c@d.io" == numbering.result().value("<EMAIL_2>")


def test_a_placeholder_typed_by_the_client_is_never_given_out() -> None:
    numbering = Numbering(["show me <EMAIL_1>", "and email_2, EMAIL_4"])
    assert ["<EMAIL_3>", "<EMAIL_5>"] == [numbering.placeholder("EMAIL_ADDRESS", value) for value in ("a@b.co", "c@d.io")]
    assert None is numbering.result().value("<EMAIL_1>")


def test_a_longer_conversation_keeps_the_numbers_of_its_beginning() -> None:
    first, second = Numbering(["a@b.co"]), Numbering(["a@b.co", "c@d.io"])
    assert first.placeholder("EMAIL_ADDRESS", "a@b.co") == second.placeholder("EMAIL_ADDRESS", "a@b.co")


def test_the_values_are_never_printed() -> None:
    assert "Placeholders(1)" == f"{Placeholders({'<EMAIL_1>': 'bob@example.com'})!r}"
