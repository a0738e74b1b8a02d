"""What usually happens in the world: who does what to what, and what follows from it.

Three tables in words. A frame says which kinds of things a verb takes. A sequel says what may
happen next, a motive why something was done; in both ``A`` is who acted, ``P`` what was acted on,
``O`` who got or lost it, and ``B`` somebody else.
"""

from types import MappingProxyType
from typing import NamedTuple

_GOODS = "food tool garment text"


class Frame(NamedTuple):
    """Which kinds of things fill the slots of a verb; ``human`` is anybody, named or not.

    Attributes:
        agents: kinds that act.
        patients: kinds that are acted on; none where nothing is.
        marker: the word before the third participant (``to``, ``from``), or empty.
        others: kinds of the third participant.
        tools: whether it is done with a tool.
    """

    agents: tuple[str, ...]
    patients: tuple[str, ...] = ()
    marker: str = ""
    others: tuple[str, ...] = ()
    tools: bool = False


_FRAMES = {
    "see notice": "human animal > human animal vehicle plant fixture",
    "hear": "human > human animal",
    "fear": "human animal > animal",
    "bite": "animal > human animal",
    "chase": "animal > animal human",
    "follow": "human animal > human animal vehicle",
    "catch": "human > animal",
    "feed": "human > animal",
    "buy get steal": f"human > {_GOODS} from human",
    "borrow": "human > tool text vehicle from human",
    "sell give bring": f"human > {_GOODS} to human",
    "lend": "human > tool text vehicle to human",
    "send": "human > text garment to human",
    "eat": "human animal > food",
    "cook": "human > food with",
    "find lose hide drop": "human > tool garment text food",
    "carry": "human > tool fixture food plant",
    "repair fix": "human > vehicle fixture tool with",
    "break": "human > vehicle fixture tool with",
    "build": "human > fixture vehicle with",
    "clean paint": "human > fixture vehicle with",
    "cut": "human > plant food with",
    "plant": "human > plant with",
    "wash": "human > garment tool",
    "wear": "human > garment",
    "open close": "human > fixture",
    "read write": "human > text",
    "meet help thank greet call teach": "human > human",
    "visit": "human > human place",
    "go": "human animal > to place",
    "come": "human animal > from place",
    "sleep run rest swim wait": "human animal >",
    "sing dance work laugh cry": "human >",
}


def _frame(text: str) -> Frame:
    agents, _, rest = text.partition(" >")
    words = rest.split()
    tools = "with" in words
    words = [w for w in words if w != "with"]
    at = next((i for i, w in enumerate(words) if w in ("to", "from")), len(words))
    marker = "".join(words[at : at + 1])
    return Frame(tuple(agents.split()), tuple(words[:at]), marker, tuple(words[at + 1 :]), tools)


FRAMES = MappingProxyType(
    {verb: _frame(text) for verbs, text in _FRAMES.items() for verb in verbs.split()}
)

_SEQUELS = {
    "buy": "A eat P, A cook P, A wear P, A read P, A give P B, A carry P, A be happy, O thank A",
    "get": "A eat P, A wear P, A read P, A thank O, A be happy",
    "borrow": "A read P, A thank O, A carry P, A lose P",
    "steal": "O be angry, O follow A, A hide P, A run, O cry",
    "sell": "A be rich, O eat P, O wear P, O read P, O be happy",
    "give": "O thank A, O eat P, O wear P, O read P, O be happy",
    "bring": "O thank A, O eat P, O wear P, O read P",
    "lend": "O thank A, O lose P, O carry P",
    "send": "O read P, O wear P, O be happy",
    "eat": "A be happy, A sleep, A rest",
    "cook": "P be hot, A eat P, B eat P, A sell P B",
    "find": "A be happy, A bring P B, A clean P, A hide P",
    "lose": "A be sad, A cry, B find P, A be angry",
    "hide": "B find P, B lose P",
    "drop": "P be dirty, P be broken, A wash P, A cry",
    "carry": "A be tired, A rest, A drop P",
    "break": "P be broken, A repair P, B repair P, A be sad",
    "repair": "B thank A, A be proud, A paint P",
    "fix": "B thank A, A be proud, A paint P",
    "build": "P be new, A paint P, A be proud, B see P",
    "clean": "P be spotless, B thank A, A be tired",
    "wash": "P be spotless, A wear P, A be tired",
    "paint": "B see P, A be proud, P be new",
    "cut": "A carry P, A cook P, A sell P B",
    "plant": "P be new, B see P",
    "wear": "B see A, A dance, A be proud",
    "open": "P be ajar, A close P",
    "close": "P be shut, B open P",
    "read": "A laugh, A cry, A be clever, A lend P B",
    "write": "A send P B, B read P",
    "meet": "A greet P, P greet A, P thank A, A help P",
    "help": "P thank A, A be proud, P be happy",
    "thank": "P be happy, P laugh",
    "greet": "P greet A, P follow A, P laugh",
    "call": "P greet A, P run, P help A",
    "teach": "P be clever, P thank A",
    "visit": "P greet A, A help P",
    "see": "A follow P, A call P, A greet P, A fear P, A run",
    "notice": "A follow P, A call P, A greet P, A fear P, A run",
    "hear": "A follow P, A call P, A fear P",
    "fear": "A run, A hide B, P chase A, P follow A",
    "bite": "P cry, P run, P be angry, P fear A",
    "chase": "P run, P be tired, A catch P, A bite P",
    "follow": "P run, P greet A, P see A",
    "catch": "A sell P B, P be tame, A feed P",
    "feed": "P sleep, P be tame, P follow A",
    "work": "A be tired, A rest, A sleep, A be rich",
    "run": "A be tired, A rest, A be thirsty",
    "swim": "A be tired, A rest, A be happy",
    "sing": "B dance, B laugh, A be happy",
    "dance": "A be tired, B laugh, B sing",
    "laugh": "B laugh, B be happy",
    "cry": "B help A, B be sad",
    "wait": "A be angry, A be tired, A sleep",
}
_MOTIVES = {
    "eat": "A be hungry",
    "cook": "A be hungry, B be hungry",
    "buy": "A be rich, A be hungry",
    "sell": "A be poor",
    "steal": "A be poor, A be hungry",
    "sleep": "A be tired, A be ill",
    "rest": "A be tired, A be sick",
    "cry": "A be sad, A be sick",
    "laugh": "A be happy, A be glad",
    "dance": "A be happy, A be glad",
    "sing": "A be happy, A be glad",
    "run": "A be quick, A be thirsty",
    "wait": "A be slow, A be ill",
    "repair": "P be broken",
    "fix": "P be broken",
    "clean": "P be dirty",
    "wash": "P be dirty",
    "paint": "P be old",
    "open": "P be shut",
    "close": "P be ajar",
    "help": "A be kind, P be sick, P be ill",
    "thank": "P be kind",
    "teach": "A be clever",
    "fear": "P be wild",
    "chase": "A be hungry, A be angry, P be slow",
    "bite": "A be angry, A be wild",
    "feed": "P be hungry",
    "give": "A be kind, O be poor",
    "lend": "A be kind",
    "catch": "A be brave, P be slow",
    "call": "P be sick, A be sad",
}


class Step(NamedTuple):
    """What may happen: a verb and its participants by role; ``be`` has a quality."""

    agent: str
    verb: str
    patient: str = ""
    other: str = ""


def _steps(table: dict[str, str]) -> dict[str, tuple[Step, ...]]:
    return {verb: tuple(Step(*s.split()) for s in text.split(", ")) for verb, text in table.items()}


SEQUELS = MappingProxyType(_steps(_SEQUELS))
MOTIVES = MappingProxyType(_steps(_MOTIVES))
QUALITIES = MappingProxyType(  # kind -> classes of adjectives that can be said of it
    {
        "human": ("build", "character"),
        "animal": ("colour", "build", "nature"),
        "food": ("taste", "build", "colour"),
        "tool": ("state", "build", "colour"),
        "garment": ("colour", "state", "build"),
        "vehicle": ("colour", "state", "build"),
        "fixture": ("colour", "state", "build"),
        "text": ("build", "state"),
        "plant": ("colour", "build"),
        "place": ("build", "state"),
    }
)
