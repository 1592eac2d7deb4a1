"""Tell languages from content: of code by magika, of prose by py3langid. Needs the extra `dedup`."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from curation.intake.languages import canonical

MODULES = ("magika", "py3langid")
# On answers whose fence names the language, 0.8 is right 424 times of 428 for the code and 135 of 136 with its prose.
LEAST_CODE_SCORE = 0.8
# Below one half stand only the shortest queries ("Sort a list."), and among them the only wrong answers.
LEAST_PROSE_SCORE = 0.5
CODE_BYTES, PROSE_CHARACTERS = 20_000, 600
# Languages that people write queries in; Latin and Esperanto would only win by chance, over terms of programming.
NATURAL = {
    "ar": "Arabic", "bn": "Bengali", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian",
    "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "no": "Norwegian",
    "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "th": "Thai",
    "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
UNDETERMINED = "und"  # as ISO 639-2 has it: looked at, and not told
NATURAL_NAMES = {**NATURAL, UNDETERMINED: "undetermined"}

CODE_IN_PROSE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
LEAST_SHARE_OF_LETTERS = 0.8


class MissingDetectors(ImportError):
    """A package of the extra `dedup` is not installed."""


@dataclass(frozen=True, slots=True)
class Detectors:
    """What tells a language: of code under its one name, of prose as a two-letter code; "" when it is not sure."""

    code: Callable[[str], str]
    prose: Callable[[str], str]


def require() -> None:
    """Raise MissingDetectors unless the extra is there; there is no stand-in for it."""
    if missing := [name for name in MODULES if find_spec(name) is None]:
        raise MissingDetectors(
            f"{', '.join(missing)} not found: the extra `dedup` is not installed; run `pip install -e '.[dedup]'`"
        )


def load_detectors() -> Detectors:
    """Both models, in memory; raises MissingDetectors."""
    require()
    return Detectors(code=_code_detector(), prose=_prose_detector(sorted(NATURAL)))


def prose_of(query: str) -> str:
    """The start of a query without its code: no blocks, and no lines that hold more marks than words."""
    lines = CODE_IN_PROSE.sub(" ", query).split("\n")
    return "\n".join(line for line in lines if _is_prose(line))[:PROSE_CHARACTERS].strip()


def _is_prose(line: str) -> bool:
    # Marks of vowels and tones are no letters to Python, and yet no code.
    wordy = sum(one.isalpha() or one.isspace() or ord(one) > 0x300 for one in line)
    return wordy >= LEAST_SHARE_OF_LETTERS * len(line)


def _code_detector() -> Callable[[str], str]:
    from magika import Magika

    model = Magika()

    def tell(answer: str) -> str:
        found = model.identify_bytes(answer.encode()[:CODE_BYTES])
        return canonical(str(found.output.label)) if found.score >= LEAST_CODE_SCORE else ""

    return tell


def _prose_detector(languages: Sequence[str]) -> Callable[[str], str]:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages(languages)

    def tell(query: str) -> str:
        prose = prose_of(query)
        language, score = model.classify(prose) if prose else ("", 0.0)
        return str(language) if score >= LEAST_PROSE_SCORE else ""

    return tell
