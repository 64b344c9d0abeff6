"""Settings of the external guard: rules of its shape, and what a webhook's withhold does."""

import pytest
from pydantic import ValidationError

from outgate.detectors.external.settings import ExternalGuardSettings
from outgate.detectors.guard_settings import Act
from outgate.inference.prompt import Channel


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"shape": "webhook", "thresholds": {"hate": 0.5}}, "of the shape moderation"),
        ({"shape": "moderation", "reasons": ["pci"]}, "of the shape webhook"),
        ({"shape": "webhook", "project": "p"}, "of the shape lakera"),
        ({"shape": "lakera", "rules": {"webhook.deny": "flag"}}, "there is no rule"),
        ({"shape": "webhook", "reasons": ["The text itself"]}, "match pattern"),
        ({"shape": "webhook", "path": "//evil.test/x?y"}, "match pattern"),
        ({"shape": "moderation", "thresholds": {"hate": 0.0}}, "greater than 0"),
    ],
)
def test_a_setting_of_another_shape_is_refused(settings, told):
    with pytest.raises(ValidationError, match=told):
        ExternalGuardSettings(**settings)


def test_rules_are_those_of_the_shape():
    assert "webhook.pci" in ExternalGuardSettings(shape="webhook", reasons=("pci",)).rule_ids()
    assert "moderation.sexual/minors" in ExternalGuardSettings(shape="moderation").rule_ids()
    assert "lakera.prompt_attack" in ExternalGuardSettings(shape="lakera").rule_ids()


def test_a_withhold_is_one_unless_the_policy_says_more():
    assert Act.WITHHOLD is ExternalGuardSettings().act("webhook.withhold", Channel.USER, certain=True)
    assert Act.DENY is ExternalGuardSettings().act("webhook.deny", Channel.USER, certain=True)
    said = ExternalGuardSettings(rules={"webhook.withhold": Act.DENY})
    assert Act.DENY is said.act("webhook.withhold", Channel.USER, certain=True)
