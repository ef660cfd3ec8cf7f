"""What texts of conversations have in common, without a model: words, likeness, languages. Pure.

Rough on purpose, and the same everywhere: a rule, a test in CI and a notebook agree.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Set

TEXT_LENGTH_MAX = 20_000  # of a text; what comes later changes no answer here
_WORD = re.compile(r"[^\W\d_]+|\d+")
# Scripts whose words are not set apart: two characters stand for one, but katakana spells words.
_UNSPACED = re.compile(r"[\u3400-\u9fff]+|[\u30a0-\u30ff]+|[\u0e00-\u0e7f]+")
_KATAKANA = re.compile(r"[\u30a0-\u30ff]")
_HIRAGANA = re.compile(r"[\u3041-\u309f]+")  # endings and particles: the function words of Japanese
# Words that say little of what is asked, and much of the language; the most frequent ones of each.
FUNCTION_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the a an is are was were be been to of and in that it for on with as you i my me we"
        " this have has had do does did not but what how why when where which who can could would"
        " will should please there here from at by or if so just about your our they he she its"
        " am don isn doesn didn won ve re ll again still tell told asked ask said say want need get"
        " got",
        "de": "der die das ein eine einen einem einer ist sind war waren sein zu von und in dass es"
        " für auf mit als du ich mein meine mir mich wir dies diese haben hat hatte nicht aber was"
        " wie warum wann wo welche wer kann könnte würde werden wird soll möchte geht will"
        " bitte hier aus bei oder wenn auch noch nur sie er den dem des im am zum zur man sich",
        "fr": "le la les un une des est sont était être à de du et en que qui il elle pour sur avec"
        " comme vous je tu mon ma mes me nous ce cette ont avoir pas ne mais quoi comment pourquoi"
        " quand où quel quelle peut pourrait peux veux voudrais puis ici dans par ou si aussi votre"
        " vos notre ils au aux se sa son leur",
        "es": "el la los las un una es son era ser a de del y en que por para sobre con como usted"
        " yo tú mi me nosotros este esta esto ha han tiene no pero qué cómo cuándo dónde cuál quién"
        " puede podría quiero favor aquí desde o si también su sus se lo le más muy hay está",
        "it": "il lo la i gli le un una è sono era essere a di del della e in che per su con come"
        " io tu mio mia mi noi questo questa ha hanno avere non ma cosa perché quando dove quale"
        " chi può potrei vorrei qui da o se anche suo si più molto sei ho",
        "pt": "o a os as um uma é são era ser de do da dos das e em que por para sobre com como"
        " você eu meu minha me nós este esta isso tem ter não mas quê quando onde qual quem pode"
        " poderia quero favor aqui ou se também seu sua mais muito está no na ao",
        "nl": "de het een is zijn was waren te van en in dat voor op met als je ik mijn me wij deze"
        " dit heeft hebben niet maar wat hoe waarom wanneer waar welke wie kan kunnen zou wil graag"
        " hier uit bij of ook nog ze hij er naar aan om u uw",
    }.items()
}
_SCRIPTS = (
    ("HIRAGANA", "ja"),
    ("KATAKANA", "ja"),
    ("HANGUL", "ko"),
    ("CJK", "zh"),
    ("CYRILLIC", "cyrillic"),
    ("ARABIC", "arabic"),
    ("HEBREW", "hebrew"),
    ("GREEK", "greek"),
    ("DEVANAGARI", "devanagari"),
    ("THAI", "thai"),
    ("LATIN", "latin"),
)
LETTERS_MIN = {True: 8, False: 2}  # of a text in Latin letters, and in another script
FUNCTION_WORDS_MIN = 3  # of a text in Latin letters whose language is told
STEM_LENGTH = 5  # characters of a word that count: "reset", "resetting"


def normalized(text: str) -> str:
    """Return a text without case, marks, punctuation and extra blanks."""
    return " ".join(_words(text))


def content_words(text: str) -> frozenset[str]:
    """Return the beginnings of the words that say what a text is about."""
    found = {word[:STEM_LENGTH] for word in _words(text) if word not in _EMPTY_WORDS}
    return frozenset(word for word in found if len(word) > 1 or not word.isascii())


def likeness(one: Set[str], other: Set[str]) -> float:
    """Return the share of the smaller set that the other has, 0 to 1; 0 where one is empty."""
    smaller = min(len(one), len(other))
    return len(one & other) / smaller if smaller else 0.0


def overlap(one: Set[str], other: Set[str]) -> float:
    """Return the share of all words that both have, 0 to 1 (Jaccard); 0 where both are empty."""
    together = len(one | other)
    return len(one & other) / together if together else 0.0


def language_of(text: str) -> str | None:
    """Return the language of a text, or its script; None where too little tells it.

    Of texts in Latin letters: en, de, fr, es, it, pt, nl; None for all others.
    """
    cut = text[:TEXT_LENGTH_MAX]
    scripts = Counter(_script(one) for one in cut if one.isalpha())
    letters = sum(scripts.values())
    if letters < LETTERS_MIN[scripts["latin"] > letters / 2]:
        return None
    if scripts["ja"] and scripts["ja"] + scripts["zh"] > letters / 2:
        return "ja"
    script, count = scripts.most_common(1)[0]
    if count <= letters / 2:
        return None
    return _latin(cut) if script == "latin" else script


def _latin(text: str) -> str | None:
    words = _WORD.findall(text.lower())
    hits = {
        language: sum(word in known for word in words) for language, known in FUNCTION_WORDS.items()
    }
    best, second = sorted(hits, key=hits.__getitem__, reverse=True)[:2]
    is_clear = hits[best] >= FUNCTION_WORDS_MIN and hits[best] > 1.3 * hits[second]
    return best if is_clear else None


def _script(letter: str) -> str:
    name = unicodedata.name(letter, "")
    return next((script for start, script in _SCRIPTS if name.startswith(start)), "other")


def _words(text: str) -> list[str]:
    found: list[str] = []
    for word in _WORD.findall(_without_marks(text[:TEXT_LENGTH_MAX].lower())):
        runs = _UNSPACED.findall(word)
        for run in runs:
            pairs = [run[i : i + 2] for i in range(len(run) - 1)]
            found += pairs if len(run) > 2 and not _KATAKANA.match(run) else [run]
        if not runs and not _HIRAGANA.fullmatch(word):
            found.append(word)
    return found


def _without_marks(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    kept = "".join(one for one in plain if not unicodedata.combining(one))
    return unicodedata.normalize("NFKC", kept)


_EMPTY_WORDS = frozenset(
    _without_marks(word) for words in FUNCTION_WORDS.values() for word in words
)
