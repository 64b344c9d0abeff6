"""Injection rules: wordings that try to take a model over.

A rule is a line `id class gaps` and its pieces, one a line: a piece is one of its alternatives, and pieces follow each other with
at most so many other words between: one number for all gaps, or one for each. `=NAME` takes a named piece. Text is looked at where
the pieces marked `*` stand, the rarest of a rule. One that `hides` is looked for in the bare letters of a text, too. Words are
normalised English unless the id says otherwise.

A `signal` may stand in ordinary engineering text: it is written down. What is `certain` says in one breath that earlier orders are
void and what it wants for it, or is the wording of a known jailbreak; `begin` opens a sentence, outside quotes, lists and comments.
Only that may refuse or withhold. Ids are stable: policies and audit lines name them.
"""

import re
from typing import NamedTuple

from outgate.detectors.injection.finding import Weight

HIDDEN = "disguise.hidden"
"""The id reported where a rule's wording is hidden: spelled with digits, letter by letter, encoded, or turned round. Certain."""
BEGIN = "begin"
"""The first piece of a rule that holds only where a sentence opens."""

_NAMED = """
DROP: ignore | ignoring | disregard | disregarding | forget | forgetting | overlook | bypass | bypassing |
        override | overriding | neglect | dismiss | discard | violate | abandon | unlearn | do not follow | don t follow
        | dont follow | stop following | stop obeying | do not obey | pay no attention to
EARLIER: previous | previously | prior | above | preceding | earlier | before | former | foregoing | initial |
        original | existing | past | last | old | first
ORDERS: instructions | instruction | rules | rule | guidelines | guideline | directions | directives | directive
        | commands | prompts | prompt | constraints | restrictions | context | programming | training | orders |
        policies | policy | messages | conversation | guidance | limitations | safeguards | text | task
OWN: your | the system | system | openai | anthropic | safety | ethical | content | moral | all | any | these |
        those | every | developer
VOID: ignore | disregard | forget | bypass | override | do not follow | don t follow | stop following | stop
        obeying | do not obey | pay no attention to
BEFORE: previous | prior | above | preceding | earlier | foregoing | initial | original | your
SAID: instructions | instruction | rules | guidelines | directions | directives | commands | prompts | prompt |
        orders | programming | training | restrictions
SHOW: show | reveal | print | repeat | output | display | tell me | give me | leak | expose | share | disclose |
        write | write out | recite | return | dump | spell | summarize | translate | what is | what are | what s | what
        was | what were | copy | paste | provide | list | echo | state | describe | type | say | quote | transcribe |
        encode | send me
SECRET: hidden guidelines | hidden rules | internal rules | internal guidelines | operational parameters | your
        programming | core instructions | foundational text | your directives | hidden text | your training | your
        directive | confidential configuration | system settings | hidden configuration | your configuration | your
        system | system prompt | system message | system instructions | initial prompt | initial instructions | original
        prompt | original instructions | hidden prompt | hidden instructions | secret prompt | secret instructions |
        your prompt | your instructions | internal instructions | developer message | developer prompt | pre prompt |
        preprompt | confidential instructions | your guidelines | prompt above | instructions above | text above | words
        above | initial message | first prompt | previous prompt | your rules
KEPT: system prompt | system message | system instructions | initial prompt | initial instructions | original
        prompt | original instructions | hidden prompt | hidden instructions | secret prompt | secret instructions |
        internal instructions | developer message | pre prompt | preprompt | your prompt | your instructions | your
        rules | your guidelines | your programming | password | passphrase | secret key | secret word | secret code |
        access code | api key | api keys | your credentials | the secret | your secret | confidential information | text
        above | everything above | words above
SEND: send | forward | post | upload | exfiltrate | transmit | email | leak
SENT: conversation | chat history | user s data | user data | secrets | api keys | api key | credentials |
        passwords | password | environment variables | private keys | session token | cookies | system prompt | contents
        | http | https
BE: act as | act like | pretend to be | pretend you are | pretend that you are | pretend you re | you are now |
        you re now | you will now be | roleplay as | role play as | behave as | behave like | respond as | answer as |
        imagine you are | simulate | become | from now on you are | take the role of | play the role of | assume the
        role of | you will act as | you are going to act as | you are going to pretend | be my
UNBOUND: no restrictions | without restrictions | no limits | without limits | no limitations | without
        limitations | unrestricted | unfiltered | uncensored | no filters | without filters | without any restrictions |
        without any rules | without ethical | no ethical | no moral | without moral | amoral | no guidelines | without
        guidelines | evil | jailbroken | no boundaries | without boundaries | no censorship | without censorship | no
        longer bound | not bound by | freed from | anything now | without any limits | without safety | ignores all |
        lawless | unethical | immoral
UNRULED: no restrictions | without restrictions | without any restrictions | no ethical | without ethical |
        without any ethical | no moral | without moral | without any moral | unfiltered | uncensored | jailbroken | no
        longer bound | not bound by | do anything now | no content policy | no safety guidelines | developer mode | dan
        mode | jailbreak mode | god mode
"""

_RULES = """
override.extract certain 1 3 2 8 5
    - begin
    - * =VOID
    - * =BEFORE
    - =SAID
    - =SHOW
    - =KEPT
override.send certain 1 3 2 10 6
    - begin
    - * =VOID
    - * =BEFORE
    - =SAID
    - =SEND
    - =SENT
override.unbind certain 1 3 2 30
    - begin
    - * =VOID
    - * =BEFORE
    - =SAID
    - =UNRULED
override.taunt certain 1 3 2 10
    - begin
    - * =VOID
    - * =BEFORE
    - =SAID
    - pwned | you have been hacked | haha | i hate humans
persona.known certain 40
    - * dan which stands for do anything now | dan stands for do anything now | known as dan | pretend to be dan |
        act as dan | stan which stands for strive to avoid norms | chatgpt with developer mode enabled | be my evil
        trusted confidant | simulate chatgpt with developer mode | aim is an unfiltered | always intelligent and
        machiavellian
    - typical confines of ai | abide by the rules | do anything now | told to avoid norms | should avoid norms |
        strive to avoid norms | no matter how immoral | without any moral or ethical | unfiltered and amoral | evil
        confidant | developer mode output | always intelligent and machiavellian
leak.verbatim certain 1 4 8 2
    - begin
    - repeat | print | output | copy | recite | write out | return | echo | display
    - * words above | text above | everything above | all of the above | above text | sentences above | instructions
        above
    - starting with | beginning with | starting from
    - you are
override.previous signal hides 3
    - * =DROP
    - * =EARLIER
    - =ORDERS
override.own signal hides 2
    - * =DROP
    - * =OWN
    - =ORDERS
override.self signal 2
    - * =DROP
    - * your
    - protocols | standards | programming | guardrails | filters | training | ethics | safety | operations |
        principles | values | settings | defaults
override.everything signal hides 3
    - * =DROP
    - * everything above | everything before | everything you | everything i said | all of the above | everything
        that came before | what i said before | what you were told | everything that was said | all you know |
        everything prior | what came before | all that came before | what you have been told | anything above | the
        above | all previous | all prior
leak.prompt signal hides 5
    - =SHOW
    - * =SECRET
leak.credentials signal 4
    - =SHOW
    - * your api key | your password | your secret | the secret key | secret password | secret word | your api keys
        | the secret code | the access code | the passphrase | secret phrase
leak.above signal 3
    - repeat | print | output | copy | recite | write out | return | echo | display
    - * everything above | words above | text above | above text | above words | above prompt | above instructions |
        sentences above | beginning with you are | starting with you are
persona.unbound signal 12
    - =BE
    - * =UNBOUND
persona.named signal 3
    - * act as | pretend to be | you are now | respond as | answer as | you are going to act as | you will act as |
        be my
    - * dan | stan | evilbot | betterdan | antigpt | dev mode | mongo tom | jailbot | niccolo | machiavelli | evil
        confidant | chaosgpt | ucar | basedgpt | devmode | freegpt
persona.dan signal hides 0
    - * do anything now | does anything now | dan mode | stay in character as dan | you are dan | jailbreak prompt
mode.unlocked signal hides 3
    - enable | enabled | enter | activate | activated | switch to | initiate | unlock | entering | simulate
    - * developer mode | god mode | jailbreak mode | unrestricted mode | dan mode | evil mode | chaos mode | debug
        mode | admin mode | opposite mode | sudo mode | root mode | override mode | maintenance mode | diagnostic mode |
        admin override
limits.none signal 3
    - you have | you are | you re | you now have | you must | you can | respond | answer | reply | act | speak | you
        will
    - * no restrictions | no ethical | no moral | no content policy | no filters | without any restrictions |
        without restrictions | no limits whatsoever | no longer bound | not bound by | without moral | without ethical |
        without any ethical | without censorship | unrestricted ai | free of all restrictions | freed from | without any
        filters | no limitations whatsoever | unfiltered and | uncensored and
limits.turn_off signal hides 2 1
    - disable | turn off | deactivate | remove | switch off | suspend | lift | bypass | circumvent | evade | break
        free of | break free from | get around | jailbreak
    - * safety | content | ethical | moral | moderation | your | openai | the ai
    - * filters | filter | protocols | policies | programming | constraints | guidelines | safeguards | guardrails |
        moderation | censorship | limitations | restrictions
role.forged signal 3
    - * im end im start | inst sys | begin system prompt | end of system prompt | system prompt update | system
        instruction override | end of user input | end user input | begin new instructions | start of new instructions |
        user message ends here
override.es signal 3
    - * ignora | ignore | ignorar | olvida | olvide | omite | descarta | desestime
    - * instrucciones | reglas | ordenes | indicaciones | restricciones | directrices
override.fr signal 3
    - * ignore | ignorez | ignorer | oublie | oubliez | oublier
    - * instructions | consignes | regles | directives | commandes
    - precedentes | precedente | anterieures | ci dessus | initiales | donnees
override.de signal 3
    - * ignoriere | ignorieren | vergiss | vergessen | missachte | ignorier
    - * vorherigen | vorigen | bisherigen | obigen | fruheren | alle | deine | vorhergehenden
    - anweisungen | anweisung | instruktionen | regeln | befehle | vorgaben | aufgaben
override.pt signal 3
    - * ignore | ignorar | esqueca | esquece | desconsidere
    - * instrucoes | regras | ordens | comandos
    - anteriores | anterior | acima | previas
override.it signal 3
    - * ignora | ignorare | dimentica | dimenticare | trascura
    - * istruzioni | regole | comandi
    - precedenti | precedente | sopra | ricevute
"""


class InjectionRule(NamedTuple):
    """`pieces` follow each other with at most so many other words between as `gaps` say; a piece is one of its alternatives.

    `rare` are the first and the last of the pieces that are looked for first; `hides` says that it is looked for in bare letters.
    """

    id: str
    weight: Weight
    pieces: tuple[tuple[str, ...], ...]
    gaps: tuple[int, ...]
    rare: tuple[int, int]
    hides: bool


def _alternatives(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split("|"))


def _named() -> dict[str, tuple[str, ...]]:
    entries = _NAMED.replace("\n        ", " ").strip().splitlines()
    return {name: _alternatives(text) for name, _, text in (entry.partition(":") for entry in entries)}


def _rule(entry: str, named: dict[str, tuple[str, ...]]) -> InjectionRule:
    head, *lines = entry.splitlines()
    name, weight, *rest = head.split()
    numbers = [int(number) for number in rest if number.isdigit()]
    rare = [at for at, line in enumerate(lines) if line.startswith("* ")]
    texts = [line.removeprefix("* ") for line in lines]
    pieces = tuple(named[text[1:]] if text.startswith("=") else _alternatives(text) for text in texts)
    gaps = tuple(numbers) if len(numbers) > 1 else tuple(numbers * (len(pieces) - 1))
    return InjectionRule(name, Weight(weight), pieces, gaps, (rare[0], rare[-1]), "hides" in rest)


def _rules() -> tuple[InjectionRule, ...]:
    named = _named()
    lines = _RULES.replace("\n        ", " ").replace("\n    - ", "\n- ").strip()
    entries = re.split(r"\n(?!- )", lines)
    return tuple(_rule(entry.replace("\n- ", "\n"), named) for entry in entries)


RULES = _rules()
IDS = (*(rule.id for rule in RULES), HIDDEN)
