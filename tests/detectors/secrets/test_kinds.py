"""A rule is named by its kind, which policies know."""

from outgate.detectors.secrets.kinds import kind_of, rule_of


def test_packaged_rules_have_a_kind():
    rules = [
        rule_of(name) for name in ("betterleaks.github-pat", "kingfisher.privkey.private-key", "betterleaks.nuget-config-password")
    ]

    assert ["api_key", "private_key", "password"] == [kind_of(rule) for rule in rules]
    assert "api_key.github-pat" == rules[0]
