"""The sentences that drivers read, in their languages: gettext catalogues in `translations/`, read as they are edited.

English is written in the code. A sentence made outside the pages is marked with `spoken`; tools/messages.py finds it.
"""

from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

LANGUAGES = ("en", "de", "fr", "es")
TRANSLATIONS = Path(__file__).parent.parent / "translations"


def spoken(sentence: str) -> str:
    """The same sentence. Drivers read it, so it has to be in every catalogue; it is translated where it is shown."""
    return sentence


def is_spoken(sentence: str) -> bool:
    """Whether drivers may read that sentence: it is in the catalogues."""
    return translated(sentence, "de") != sentence


def translated(sentence: str, language: str | None) -> str:
    """The sentence in that language, in English where there is none.

    >>> translated("EV charging", "de"), translated("EV charging", "fi")
    ('Laden eines Elektroautos', 'EV charging')
    """
    return catalogue(language or "en").gettext(sentence)


@cache
def catalogue(language: str) -> NullTranslations:
    """The translations into that language; English and unknown languages say what the code says."""
    if language not in LANGUAGES or language == "en":
        return NullTranslations()
    compiled = BytesIO()
    with path_of(language).open("rb") as written:
        write_mo(compiled, read_po(written, locale=language, abort_invalid=True))
    compiled.seek(0)
    return Translations(compiled)


def path_of(language: str) -> Path:
    """The catalogue's file."""
    return TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"
