"""Texts for users, by code, in Vietnamese and English.

`vi.json` and `en.json` hold every sentence that a user reads from the API, the command line and the pages: the same
codes, grouped by area, with `{params}` for what is filled in. `Message("code", param=…)` makes one.
"""

from ioc.messages.language import terminal_language
from ioc.messages.message import Message
from ioc.messages.tables import LANGUAGES, fill, is_code

__all__ = ["LANGUAGES", "Message", "fill", "is_code", "terminal_language"]
