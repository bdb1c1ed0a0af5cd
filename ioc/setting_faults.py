"""Faults of settings."""

from __future__ import annotations

from ioc.errors import ConfigurationInvalid
from ioc.messages import Message
from ioc.model.fault import Param


class SettingInvalid(ConfigurationInvalid):
    """A variable or a key of `ioc.toml` has a value that is not allowed.

    The parameter `setting` is the variable with its value, such as `IOC_HTTP_PORT='0'`.
    """

    def __init__(self, code: str, **params: Param) -> None:
        super().__init__(Message(code, **params))
