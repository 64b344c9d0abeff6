"""Losses of a translation: those that no policy need name are among those that it may."""

from outgate.dialects.translation import HARMLESS, LOSSES


def test_every_harmless_loss_is_a_loss():
    assert set(LOSSES) >= HARMLESS
