"""The words of the source language, which are also the names of meanings in every language.

A class is listed from its most to its least frequent word. Its order is the order of frequencies
in all languages, because texts are drawn as meanings and only then put into words.
"""

from types import MappingProxyType

_NOUNS = {
    "person": "baker farmer teacher sailor doctor merchant hunter miller painter guard tailor "
    "nurse singer smith judge child",
    "animal": "dog cat horse wolf cow bird sheep fox goat fish hen bear",
    "food": "bread apple soup cheese cake egg rice honey meat berry onion melon",
    "tool": "knife hammer rope brush needle net lamp spade axe spoon",
    "garment": "coat hat shirt boot scarf glove",
    "vehicle": "boat cart wagon ship sled",
    "fixture": "door box chair table window bell bed",
    "text": "book letter song map picture story",
    "plant": "tree rose bush herb oak",
    "place": "market garden kitchen harbour school forest hospital farm mill field tower inn "
    "shop bridge",
}
KINDS = MappingProxyType(  # a noun for each class, itself a noun that can be said of its members
    {
        "person": "human",
        "animal": "beast",
        "food": "meal",
        "tool": "device",
        "garment": "clothing",
        "vehicle": "transport",
        "fixture": "furnishing",
        "text": "document",
        "plant": "greenery",
        "place": "site",
    }
)
_NAMES = {
    "woman": "Mara Lena Ines Tilda Ruth Nora Zoe Hana Olga Vera Dina Sofi Greta Alma Petra Ida",
    "man": "Omar Ivan Paul Hugo Felix Boris Anton Luka Emil Victor Oscar Jonas Martin Theo Karl "
    "Simon",
    "town": "Tavo Belmor Rusk Ostin Calder Mirel Pano Dorvik Selby Arlen Vasta Korin Lund Estra "
    "Hadley Norwin Tessel Ulmar Fenn Gorse",
    "family": "Velt Harker Moss Brandt Lowry Stane Ekman Price Dahl Quist",
    "body": "Guild Company Bank Union Council",
    "land": "Hills Bay Valley",
}
_ADJECTIVES = {
    "colour": "red white black green blue brown",
    "build": "small big old new little large",
    "state": "broken spotless dirty ajar shut empty full",
    "taste": "fresh hot sweet cold bitter",
    "feeling": "hungry tired happy sad sick angry glad ill thirsty proud",
    "nature": "wild tame quick slow",
    "character": "kind brave rich poor clever",
}
_VERBS = (
    "see buy eat find carry sell give get meet repair bring help clean paint cook lose visit "
    "follow read open close break wear feed chase notice fix lend borrow steal teach thank greet "
    "call write hear catch drop wash send hide build cut plant bite fear "
    "go come sleep sing dance run rest work swim laugh cry wait"
)
_FUNCTION = {
    "article": "the a",
    "number": "two three four many some",
    "with_noun": "in near to from with",
    "auxiliary": "did will was is",
    "negation": "not",
    "link": "then so but later yes no",
    "joint": "because and",
    "time": "yesterday today earlier recently tomorrow soon",
    "pronoun": "she he it",
    "question": "who what where when",
}
_TAGS = {
    "article": "DET",
    "number": "NUM",
    "with_noun": "ADP",
    "auxiliary": "AUX",
    "negation": "PART",
    "time": "ADV",
    "pronoun": "PRON",
    "question": "PRON",
    "verb": "VERB",
}
_TAGS_OF_WORDS = {
    **{"then": "ADV", "later": "ADV", "so": "ADV", "but": "CCONJ", "and": "CCONJ"},
    **{"yes": "INTJ", "no": "INTJ", "because": "SCONJ", "where": "ADV", "when": "ADV"},
}


def _split(table: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(words.split()) for name, words in table.items()}


NOUNS = MappingProxyType(_split(_NOUNS))
NAMES = MappingProxyType(_split(_NAMES))
ADJECTIVES = MappingProxyType(_split(_ADJECTIVES))
FUNCTION = MappingProxyType(_split(_FUNCTION))
CLASSES = MappingProxyType(
    {
        **NOUNS,
        "kind": tuple(KINDS.values()),
        **NAMES,
        **ADJECTIVES,
        "verb": tuple(_VERBS.split()),
        **FUNCTION,
    }
)
CLASS_OF = MappingProxyType({word: name for name, words in CLASSES.items() for word in words})
SYNONYMS = (  # two words, one meaning: either is used at random
    ("big", "large"),
    ("small", "little"),
    ("happy", "glad"),
    ("sick", "ill"),
    ("see", "notice"),
    ("repair", "fix"),
)
CONVERSES = (  # the same event told from its other side: agent and other change places
    ("buy", "sell"),
    ("get", "give"),
    ("borrow", "lend"),
)
PAST = ("yesterday", "today", "earlier", "recently")
SOON = ("tomorrow", "soon")
PLURAL = frozenset(FUNCTION["number"])
PERSONAL = ("woman", "man")
TAILS = MappingProxyType(  # what a name of this class may have as its second part
    {"woman": ("family",), "man": ("family",), "town": ("body", "land")}
)


def is_name(word: str) -> bool:
    """Whether ``word`` is a name or a part of one."""
    return CLASS_OF[word] in NAMES


def tag_of(word: str) -> str:
    """The universal part of speech of a word."""
    name = CLASS_OF[word]
    if name in NOUNS or name == "kind":
        return "NOUN"
    if name in NAMES:
        return "PROPN"
    if name in ADJECTIVES:
        return "ADJ"
    return _TAGS_OF_WORDS.get(word) or _TAGS[name]
