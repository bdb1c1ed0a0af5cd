"""Recognise text in old Vietnamese encodings: TCVN3 (ABC fonts such as .VnTime) and VNI. Pure.

Such text shows as Latin letters and symbols ("Ph­êng" for "Phường"), in text files as well as in workbooks, whose fonts
drew the right letters. The encodings differ only in how many words are possible Vietnamese syllables.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

from ioc.errors import BatchMalformed
from ioc.messages import Message

Repair = Callable[[str], str]

# TCVN 5712:1993, VN3, the same bytes as in glibc's charmap TCVN5712-1; capital letters with tones have none: the
# fonts whose names end in H draw the small ones as capitals.
_TCVN3_LETTERS = (
    "ĂÂÊÔƠƯĐăâêôơưđ"  # A1-A7, A8-AE
    "àảãáạ"  # B5-B9
    "ằẳẵắ"  # BB-BE
    "ặầẩẫấậè"  # C6-CC
    "ẻẽéẹềểễếệìỉ"  # CE-D8
    "ĩíịò"  # DC-DF
    "ỏõóọồổỗốộờởỡớợù"  # E1-EF
    "ủũúụừửữứựỳỷỹýỵ"  # F1-FE
)
_TCVN3_BYTES = (
    *range(0xA1, 0xA8), *range(0xA8, 0xAF), *range(0xB5, 0xBA), *range(0xBB, 0xBF), *range(0xC6, 0xCD),
    *range(0xCE, 0xD9), *range(0xDC, 0xE0), *range(0xE1, 0xF0), *range(0xF1, 0xFF),
)  # fmt: skip
_TCVN3 = dict(zip(_TCVN3_BYTES, _TCVN3_LETTERS, strict=True))

# VNI for Windows: a vowel and a mark after it. ơ, ư, đ and some vowels have letters of their own.
_VNI_SIGNS = dict(zip("øùûõï", "\u0300\u0301\u0309\u0303\u0323", strict=True))
_VNI_SIGNS |= {
    sign: mark + tone
    for mark, signs in (("\u0302", "âàáåãä"), ("\u0306", "êèéúüë"))
    for sign, tone in zip(signs, ("", *"\u0300\u0301\u0309\u0303\u0323"), strict=True)
}
_VNI_SIGNS |= {sign.upper(): mark for sign, mark in _VNI_SIGNS.items()}
_VNI_LETTERS = {"ô": "ơ", "ö": "ư", "ñ": "đ", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ"}
_VNI_LETTERS |= {letter.upper(): right.upper() for letter, right in _VNI_LETTERS.items()}
_VNI = re.compile(f"([aeiouyôöAEIOUYÔÖ])([{''.join(_VNI_SIGNS)}])|([{''.join(_VNI_LETTERS)}])")

_SYLLABLE = re.compile(
    r"(ngh|ng|nh|gh|gi|kh|ph|qu|th|tr|ch|[bcdđghklmnpqrstvx])?[aăâeêioôơuưy]{1,3}(ng|nh|ch|[cmnpt])?"
)
_TONES = re.compile("[\u0300\u0301\u0303\u0309\u0323]")
_CUT = re.compile(r"[\x00-@\[-`{-\x7f]+")
_UNITS = re.compile("[µμ]g|m[²³]|°C?|[–—…’‘“”•]")
"""Symbols that are not Vietnamese, and occur in texts of any encoding."""
_MAX_WORDS = 2000
_MIN_SHARE = 0.7


def decode_legacy(text_of: Callable[[str], str]) -> tuple[str, Repair]:
    """Return the codec of bytes that are not Unicode, and how to repair each decoded text.

    `text_of` decodes a sample of the bytes with a codec. Raises BatchMalformed for VNI and for unknown encodings.
    """
    windows = unicodedata.normalize("NFC", text_of("cp1258"))
    latin = text_of("latin-1")
    shares = {"cp1258": _share(windows), "tcvn3": _share(from_tcvn3(latin)), "vni": _share(from_vni(text_of("cp1252")))}
    best = max(shares, key=lambda name: shares[name])
    if not _words(windows):
        return "cp1258", str
    if shares[best] < _MIN_SHARE and len(_words(latin)) >= 3:
        raise BatchMalformed(Message("encoding_unknown"))
    if best == "vni" and shares["vni"] >= _MIN_SHARE and shares["vni"] > shares["cp1258"]:
        raise _vni()
    return ("latin-1", from_tcvn3) if best == "tcvn3" and shares["tcvn3"] >= _MIN_SHARE else ("cp1258", str)


def repair_of(texts: Iterable[str]) -> Repair:
    """Return how to repair Unicode texts that may have been typed for TCVN3 fonts; `str` when they are right.

    Raises BatchMalformed when they were typed for VNI fonts.
    """
    sample = " ".join(texts)
    if sample.isascii() or len(_words(sample)) < 3:
        return str
    unrepaired = _share(unicodedata.normalize("NFC", sample))
    if unrepaired >= _MIN_SHARE:
        return str
    if _share(from_tcvn3(sample)) >= _MIN_SHARE:
        return from_tcvn3
    if _share(from_vni(sample)) >= _MIN_SHARE:
        raise _vni()
    return str


def from_tcvn3(text: str) -> str:
    """Return text typed for TCVN3 fonts as Unicode."""
    return text.translate(_TCVN3)


def from_vni(text: str) -> str:
    """Return text typed for VNI fonts as Unicode."""

    def letter(match: re.Match[str]) -> str:
        if match[3]:
            return _VNI_LETTERS[match[3]]
        return _VNI_LETTERS.get(match[1], match[1]) + _VNI_SIGNS[match[2]]

    return unicodedata.normalize("NFC", _VNI.sub(letter, text))


def _vni() -> BatchMalformed:
    return BatchMalformed(Message("vni_text"))


def _words(text: str) -> list[str]:
    """Return the words with letters beyond ASCII; only they differ between the encodings."""
    return [word for word in _CUT.split(_UNITS.sub(" ", text)) if word and not word.isascii()][:_MAX_WORDS]


def _share(text: str) -> float:
    """Return the share of words that are possible Vietnamese syllables, from 0 to 1."""
    words = _words(text)
    return sum(map(_is_syllable, words)) / len(words) if words else 0.0


def _is_syllable(word: str) -> bool:
    if not (word.islower() or word.isupper() or word[1:].islower()):
        return False
    bare, tones = _TONES.subn("", unicodedata.normalize("NFD", word.lower()))
    return tones <= 1 and _SYLLABLE.fullmatch(unicodedata.normalize("NFC", bare)) is not None
