"""Injection rules: wordings that try to take a model over.

A rule is a line `id gap` and its pieces, one a line: a piece is one of its alternatives, and pieces follow each other with at most
`gap` other words between. `=NAME` takes a named piece. `loose` after the gap marks a rule too vague to look for where spaces were
moved about. Words are normalised English unless the id says otherwise. Ids are stable: policies and audit lines name them.
"""

from typing import NamedTuple

_NAMED = """
DROP: ignore | ignoring | disregard | disregarding | forget | forgetting | overlook | bypass | bypassing | override |
        overriding | neglect | skip | dismiss | discard | violate | abandon | unlearn | drop | do not follow | don t
        follow | dont follow | stop following | stop obeying | do not obey | pay no attention to
EARLIER: previous | previously | prior | above | preceding | earlier | before | former | foregoing | initial |
        original | existing | past | last | old | first
ORDERS: instructions | instruction | rules | rule | guidelines | guideline | directions | directives | directive |
        commands | prompts | prompt | constraints | restrictions | context | programming | training | orders |
        policies | policy | messages | conversation | guidance | limitations | safeguards | text | task
OWN: your | the system | system | openai | anthropic | safety | ethical | content | moral | all | any | these | those
        | every | developer
SECRET: hidden guidelines | hidden rules | internal rules | internal guidelines | operational parameters | system settings |
        your programming | core instructions | foundational text | your directives | hidden configuration | hidden text |
        your training |
        your directive | confidential configuration | system prompt | system message | system instructions | initial prompt
        | initial instructions | original prompt
        | original instructions | hidden prompt | hidden instructions | secret prompt | secret instructions | your
        prompt | your instructions | internal instructions | developer message | developer prompt | pre prompt |
        preprompt | confidential instructions | your guidelines | your system | prompt above | instructions above |
        text above | words above | initial message | first prompt | previous prompt | your rules | your configuration
SHOW: show | reveal | print | repeat | output | display | tell me | give me | leak | expose | share | disclose | write
        | write out | recite | return | dump | spell | summarize | translate | what is | what are | what s | what was
        | what were | copy | paste | provide | list | echo | state | describe | type | say | quote | transcribe |
        encode | send me
BE: act as | act like | pretend to be | pretend you are | pretend that you are | pretend you re | you are now | you re
        now | you will now be | roleplay as | role play as | behave as | behave like | respond as | answer as |
        imagine you are | simulate | become | from now on you are | take the role of | play the role of | assume the
        role of | you will act as | you are going to act as | you are going to pretend | be my
UNBOUND: no restrictions | without restrictions | no rules | without rules | no limits | without limits | no
        limitations | without limitations | unrestricted | unfiltered | uncensored | no filter | no filters | without
        filters | without any restrictions | without any rules | without ethical | no ethical | no moral | without
        moral | amoral | no guidelines | without guidelines | evil | jailbroken | no boundaries | without boundaries |
        no censorship | without censorship | no longer bound | not bound by | free from | freed from | anything now |
        without any limits | without safety | no safety | ignores all | lawless | unethical | immoral
MODE: developer mode | dev mode | debug mode | god mode | admin mode | sudo mode | root mode | jailbreak mode |
        maintenance mode | unrestricted mode | dan mode | test mode | diagnostic mode | opposite mode | chaos mode |
        evil mode | superuser mode | administrator mode | override mode
"""

_RULES = """
override.previous 3
    - =DROP
    - =EARLIER
    - =ORDERS
override.own 2
    - =DROP
    - =OWN
    - =ORDERS
override.self 2
    - =DROP
    - your | your default | your standard | your normal | your usual | your core | your programmed | your built in | your inherent
    - settings | protocols | standards | programming | guardrails | filters | training | configuration | framework | ethics
        | safety |
        operations | procedures | defaults | principles | values
override.pretend 3
    - pretend | imagine | act as if | act like | assume
    - instructions | rules | guidelines | restrictions | prompt | policies
    - don t exist | do not exist | doesn t exist | never existed | don t apply | do not apply | no longer apply | are gone
override.everything 3
    - =DROP
    - everything above | everything before | everything you | everything i said | all of the above | everything that
        came before | what i said before | what you were told | everything that was said | all you know | everything
        prior | what came before | all that came before | the above | what you have been told | all previous | all
        prior | anything above
override.new 6
    - new instructions | new instruction | updated instructions | real instructions | new task | actual instructions |
        new rules | new directive | new orders | revised instructions | important instructions | your new role | your
        new task | your real task
    - instead | override | overrides | supersede | supersedes | replace | ignore | are as follows | follow | below |
        from now on | immediately
override.priority 4
    - this overrides | these override | supersedes | takes precedence over | take precedence over | overwrite
    - instructions | rules | guidelines | system prompt | directives | prompts | system
leak.prompt 5
    - =SHOW
    - =SECRET
leak.above 3
    - repeat | print | output | copy | recite | write out | return | echo | display
    - everything above | all of the above | words above | text above | above text | above words | above prompt | the
        above | above instructions | sentences above | beginning with you are | starting with you are | before this
        line | before this message | above this line | above verbatim
leak.asked 2
    - what were | what was | what are | what is | what did
    - you told | you given | you instructed | your instructions | your prompt | your first instructions | your exact
        instructions | your initial | your original | your system
leak.credentials 4
    - =SHOW
    - your api key | your password | your secret | the secret key | the password | your credentials | secret password
        | secret word | your api keys | the secret code | the access code | access code | the passphrase | secret
        phrase
persona.unbound 12
    - =BE
    - =UNBOUND
persona.named 3 loose
    - =BE
    - dan | stan | dude | aim | evilbot | betterdan | antigpt | dev mode | mongo tom | jailbot | omega | niccolo |
        machiavelli | evil confidant | chaosgpt | ucar | basedgpt | devmode | maximum | freegpt
persona.dan 3
    - do anything now | does anything now | jailbreak prompt | dan mode | stay in character as dan | you are dan
persona.opposite 4 loose
    - opposite | contrary | inverse
    - day | mode | of what you
    - answer | respond | reply | rules | chatgpt | assistant | would normally
persona.two_answers 10 loose
    - two responses | two answers | two ways | two different ways | two paragraphs | both as
    - jailbroken | dan | normal | classic | unfiltered | standard | chatgpt | gpt
mode.enable 3
    - enable | enabled | enter | activate | activated | switch to | in | turn on | initiate | unlock | start |
        entering | simulate | you are in | with
    - =MODE
mode.alone 3
    - developer mode enabled | jailbreak mode | god mode enabled | dan mode enabled | developer mode output | admin
        override | sudo mode | jailbreak enabled | developer override | debug override | system override
limits.none 3
    - you have | you are | you re | with | there are | you now have | you must | you can | respond | answer | reply |
        act | speak | you will
    - no restrictions | no ethical | no moral | no content policy | no filters | without any restrictions | without
        restrictions | no limits whatsoever | no longer bound | not bound by | no rules to | without moral | without
        ethical | without any ethical | without censorship | unrestricted ai | free of all restrictions | freed from |
        no safety | without any filters | no limitations whatsoever | unfiltered and | uncensored and
limits.yourself 4
    - yourself | you | you are now | you re now
    - without | free of | freed from | beyond
    - any limitations | any restrictions | any limits | any safety | the safety | safety wrapper | safety filters | external rules |
        your restrictions | your limitations | your ethical | programmed limits | content restrictions | any filters | any rules
limits.turn_off 2
    - disable | turn off | deactivate | remove | switch off | suspend | lift | bypass | circumvent | evade | break
        free of | break free from | get around | jailbreak
    - safety | content | ethical | moral | moderation | your | all | openai | the ai
    - filters | filter | restrictions | guidelines | safeguards | protocols | policies | policy | guardrails |
        constraints | moderation | censorship | limitations | programming | restrictions
limits.refuse 4 loose
    - never | do not | don t | cannot | can t | must not | dont
    - refuse | say no | decline | say i can t | say you can t | say sorry | apologize | say i cannot | break character
        | warn me | include warnings | add disclaimers | mention ethics | reject
    - anything | any request | any question | request | requests | ever | under any | no matter | warnings | answer |
        character | my | comply | to
role.forged 3
    - im start system | im end im start | inst sys | begin system prompt | end of system prompt | system prompt update
        | begin admin | system instruction override | end of user input | end user input | new system prompt | begin
        new instructions | start of new instructions | assistant sure here | end of prompt new | user message ends
        here
role.authority 6 loose
    - i am your | i m your | as your | this is your | speaking as your | i am the | i am an | as an
    - developer | creator | administrator | admin | programmer | openai engineer | openai developer | system
        administrator | anthropic engineer
    - ignore | reveal | disable | override | access | unlock | must | order you | command you | authorize | authorise
        | instruct you | grant | need you to
indirect.reader 4
    - ai | assistant | language model | llm | chatbot | agent | model | gpt | chatgpt | claude
    - reading this | processing this | summarizing this | that reads this | reads this | seeing this | parsing this |
        analyzing this | reviewing this | evaluating this | who reads this
    - must | should | ignore | instead | please | stop | do | send | has to | needs to | say | respond
indirect.exfiltrate 6
    - send | forward | post | upload | exfiltrate | transmit | email | append
    - conversation | chat history | user s data | user data | secrets | api keys | api key | credentials | passwords |
        environment variables | private keys | session token | cookies | system prompt | contents
    - http | https | www | to the following | to this url | to this address | attacker | webhook | to this email | as
        a query
indirect.hide 3
    - do not | don t | never | without | dont
    - tell | mention | inform | reveal | alert | notify | telling | mentioning | informing | disclose
    - the user | user about | to the user | this instruction | these instructions | this message to | this to the user
        | about this instruction
override.es 3
    - ignora | ignore | ignorar | olvida | olvide | omite | descarta | desestime
    - instrucciones | reglas | ordenes | indicaciones
    - anteriores | previas | anterior | arriba | precedentes
override.es_all 2
    - ignora | olvida | omite | descarta | olvide | ignore
    - todas tus | todas las | todo lo | tus | sus
    - instrucciones | reglas | anterior | restricciones | directrices | ordenes
override.fr 3
    - ignore | ignorez | ignorer | oublie | oubliez | oublier
    - instructions | consignes | regles | directives | commandes
    - precedentes | precedente | anterieures | ci dessus | initiales | donnees
override.de 3
    - ignoriere | ignorieren | vergiss | vergessen | missachte | ignorier
    - vorherigen | vorigen | bisherigen | obigen | fruheren | alle | deine | vorhergehenden
    - anweisungen | anweisung | instruktionen | regeln | befehle | vorgaben | aufgaben
override.pt 3
    - ignore | ignorar | esqueca | esquece | desconsidere
    - instrucoes | regras | ordens | comandos
    - anteriores | anterior | acima | previas
override.it 3
    - ignora | ignorare | dimentica | dimenticare | trascura
    - istruzioni | regole | comandi
    - precedenti | precedente | sopra | ricevute
"""


class InjectionRule(NamedTuple):
    """`pieces` follow each other with at most `gap` other words between; a piece is one of its alternatives.

    `compact` says that the rule is also looked for where the spaces have been moved about: only long, telling rules are.
    """

    id: str
    pieces: tuple[tuple[str, ...], ...]
    gap: int = 3
    compact: bool = True


def _alternatives(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split("|"))


def _named() -> dict[str, tuple[str, ...]]:
    entries = _NAMED.replace("\n        ", " ").strip().splitlines()
    return {name: _alternatives(text) for name, _, text in (entry.partition(":") for entry in entries)}


def _rules() -> tuple[InjectionRule, ...]:
    named = _named()
    rules: list[InjectionRule] = []
    for line in _RULES.replace("\n        ", " ").strip().splitlines():
        if line.startswith("    - "):
            text = line.removeprefix("    - ")
            piece = named[text[1:]] if text.startswith("=") else _alternatives(text)
            rules[-1] = rules[-1]._replace(pieces=(*rules[-1].pieces, piece))
        else:
            name, gap, *loose = line.split()
            rules.append(InjectionRule(name, (), int(gap), not loose))
    return tuple(rules)


RULES = _rules()
