"""`make messages`: every sentence that drivers read is in the catalogues. What is new waits there untranslated."""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from babel.messages.catalog import Catalog  # noqa: E402
from babel.messages.extract import extract  # noqa: E402
from babel.messages.pofile import read_po, write_po  # noqa: E402

from domain.catalogues import LANGUAGES, path_of  # noqa: E402

KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "spoken": None}
TEMPLATES = ("templates/driver", "templates/sandbox")
CODE = ("blueprints", "domain", "providers")
HEAD = """# {name}: the sentences of drivers' pages. The key is the English sentence in the code.
# `make messages` adds new ones; tests/test_tongues.py fails while one is not translated.
msgid ""
msgstr ""
"Language: {code}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""


def sources() -> Iterator[tuple[str, Path]]:
    """(how to read it, the file) of everything that may hold a sentence for drivers."""
    for folder in TEMPLATES:
        yield from (("jinja2.ext:babel_extract", path) for path in sorted((ROOT / folder).rglob("*.html")))
    for folder in CODE:
        yield from (("python", path) for path in sorted((ROOT / folder).rglob("*.py")))


def extracted() -> Catalog:
    """Every sentence for drivers, with the files that hold it."""
    found = Catalog(charset="utf-8")
    options = {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
    for method, path in sources():
        how = options if method.startswith("jinja2") else {}
        for _line, message, _comments, context in extract(method, BytesIO(path.read_bytes()), KEYWORDS, (), how):
            found.add(message, locations=[(path.relative_to(ROOT).as_posix(), 0)], context=context)
    return found


def written(language: str) -> Catalog:
    """The catalogue as it stands in its file."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def write(language: str, catalogue: Catalog) -> None:
    """The catalogue's file holds what the catalogue holds, in the order of the alphabet."""
    body = BytesIO()
    write_po(body, catalogue, width=120, sort_output=True, include_lineno=False, omit_header=True, ignore_obsolete=True)
    head = HEAD.format(name=catalogue.locale.english_name, code=language, plurals=catalogue.plural_forms)
    path_of(language).parent.mkdir(parents=True, exist_ok=True)
    path_of(language).write_bytes(head.encode() + body.getvalue())


def main() -> None:
    template = extracted()
    for language in LANGUAGES[1:]:
        catalogue = written(language)
        catalogue.update(template, no_fuzzy_matching=True)
        write(language, catalogue)
        missing = [message.id for message in catalogue if message.id and not message.string]
        print(f"{language}: {len(catalogue)} sentences, {len(missing)} to translate")  # noqa: T201


if __name__ == "__main__":
    main()
