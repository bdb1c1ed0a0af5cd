"""Check new passwords, and hash them with Argon2."""

import re
import unicodedata
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ioc.errors import ConfigurationInvalid
from ioc.messages import Message

MIN_PASSWORD_CHARACTERS = 12
MAX_PASSWORD_CHARACTERS = 256
MIN_DIFFERENT_CHARACTERS = 6
_SEQUENCES = (
    "01234567890123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv",
)
_MIN_SEQUENCE = 4
_MIN_REST = 6
"""So many characters must remain without common words, sequences and years."""
_LOOKALIKES = str.maketrans("013457@$!", "oieastasi")
# Memory, passes and lanes as in OWASP's password storage cheat sheet for Argon2id: 19 MiB, 2, 1.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
NOBODYS_HASH = _HASHER.hash("nobody's password")
"""Compared with for an unknown account, so that a wrong name takes as long as a wrong password."""


def check_password(password: str, account: str) -> None:
    """Check a new password.

    Raises ConfigurationInvalid with the reason: too short or long, too few different characters, made of common words,
    or of the account's name.
    """
    if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
        raise ConfigurationInvalid(Message("password_length", min=MIN_PASSWORD_CHARACTERS, max=MAX_PASSWORD_CHARACTERS))
    folded = _folded(password)
    if len(set(folded)) < MIN_DIFFERENT_CHARACTERS or _is_repeated(folded):
        raise ConfigurationInvalid(Message("password_repeats"))
    if len(account) >= 3 and len(folded.replace(_folded(account), "")) < max(_MIN_REST, len(folded) // 2):
        raise ConfigurationInvalid(Message("password_is_name"))
    if _rest(folded) < _MIN_REST:
        raise ConfigurationInvalid(Message("password_common"))


def hashed(password: str) -> str:
    """Return the Argon2id hash of a password."""
    return _HASHER.hash(password)


def matches(kept_hash: str, password: str) -> bool:
    """Return whether the password belongs to the hash. Takes about 50 ms of the processor in any case."""
    try:
        return (
            _HASHER.verify(kept_hash, password[:MAX_PASSWORD_CHARACTERS]) and len(password) <= MAX_PASSWORD_CHARACTERS
        )
    except (VerificationError, InvalidHashError):
        return False


def _folded(text: str) -> str:
    """Return the text in lower case without Vietnamese diacritics."""
    plain = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(one for one in plain if not unicodedata.combining(one))


def _is_repeated(folded: str) -> bool:
    """Return whether the text repeats one piece at least three times."""
    return any(folded == (folded[:period] * len(folded))[: len(folded)] for period in range(1, len(folded) // 3 + 1))


def _rest(folded: str) -> int:
    """Return how many characters remain without common words, sequences, years, and fillers such as digits."""
    for sequence in (*_SEQUENCES, *(one[::-1] for one in _SEQUENCES)):
        for length in range(len(sequence), _MIN_SEQUENCE - 1, -1):
            for start in range(len(sequence) - length + 1):
                folded = folded.replace(sequence[start : start + length], " ")
    folded = re.sub(r"(19|20)\d\d", " ", folded)
    for text in (folded, folded.translate(_LOOKALIKES)):
        left = text
        for word in _common_password_words():
            left = left.replace(word, " ")
        # Digits and punctuation around a common word do not make it harder to guess.
        letters = re.sub(r"[^a-z]", "", left) if left != text else re.sub(r"\s", "", left)
        if len(letters) < _MIN_REST:
            return len(letters)
    return len(folded)


@cache
def _common_password_words() -> tuple[str, ...]:
    """Return the words, the longest first."""
    lines = Path(__file__).with_name("common_password_words.txt").read_text(encoding="utf-8").splitlines()
    return tuple(
        sorted((line for line in lines if line and not line.startswith("#")), key=lambda word: (-len(word), word))
    )
