"""Words of other gateways lead to places that there are."""

import re

from outgate.policy.misplaced_keys import elsewhere, places
from outgate.policy.other_words import MEANT, SAID


def test_every_word_leads_to_places_of_the_policy():
    known = {".".join(place) for found in places().values() for place in found}

    assert set() == {place for meant in MEANT.values() for place in meant} - known


def test_every_sentence_names_places_of_the_policy():
    known = {".".join(place) for found in places().values() for place in found}
    named = {
        each for said in SAID.values() for each in re.findall(r"`((?:stages|gateway|providers|workloads|routes)[\w.]*)`", said)
    }

    assert named
    assert set() == named - known


def test_no_word_is_lost_that_several_places_share():
    assert ["here this is `gateway.listen`", "did you mean `endpoints`?"] == [
        elsewhere("server", ("gateway", "limits")),
        elsewhere("hosts", ("providers", "p")),
    ]
