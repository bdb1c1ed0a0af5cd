"""Faults of settings: a code with parameters, and the sentence in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ioc.errors import ConfigurationInvalid
from ioc.model.fault import FaultText, Param

SETTING_TEXTS: Mapping[str, FaultText] = {
    "setting_not_whole_number": FaultText(
        "{setting} không hợp lệ: phải là số nguyên từ {min} đến {max}.",
        "{setting} is not valid: it must be a whole number from {min} to {max}.",
    ),
    "setting_not_choice": FaultText(
        "{setting} không hợp lệ: chỉ nhận một trong các giá trị {choices}.",
        "{setting} is not valid: it must be one of {choices}.",
    ),
    "setting_not_host": FaultText(
        "{setting} không hợp lệ: phải là địa chỉ IP hoặc tên máy, ví dụ 127.0.0.1.",
        "{setting} is not valid: it must be an IP address or a host name, such as 127.0.0.1.",
    ),
    "setting_not_brokers": FaultText(
        "{setting} không hợp lệ: phải là các máy chủ dạng máy:cổng, cách nhau bằng dấu phẩy, ví dụ k1:9092,k2:9092.",
        "{setting} is not valid: it must be servers as host:port, separated by commas, such as k1:9092,k2:9092.",
    ),
    "setting_not_folder": FaultText(
        "{setting} không hợp lệ: phải là một thư mục, hoặc đường dẫn chưa tồn tại.",
        "{setting} is not valid: it must be a folder, or a path where nothing exists yet.",
    ),
    "setting_not_pem": FaultText(
        "{setting} không hợp lệ: phải là một tệp PEM đọc được.",
        "{setting} is not valid: it must be a PEM file that can be read.",
    ),
    "setting_not_plain_text": FaultText(
        "{setting} không hợp lệ: phải là văn bản trên một dòng, tối đa {max} ký tự, không có ký tự điều khiển.",
        "{setting} is not valid: it must be one line of at most {max} characters without control characters.",
    ),
    "setting_not_token": FaultText(
        "{setting} không hợp lệ: chỉ gồm chữ cái, chữ số và dấu ASCII, không có khoảng trắng, tối đa {max} ký tự.",
        "{setting} is not valid: it must be ASCII letters, digits and punctuation, without blanks, at most {max} "
        "characters.",
    ),
    "setting_not_address": FaultText(
        "{setting} không hợp lệ: phải là địa chỉ mà trình duyệt mở được, ví dụ https://ioc.example.vn, không có tên "
        "người dùng, dấu ? và #.",
        "{setting} is not valid: it must be an address that a browser can open, such as https://ioc.example.vn, "
        "without user, ? and #.",
    ),
    "setting_not_proxies": FaultText(
        "{setting} không hợp lệ: {entry} không phải là địa chỉ (10.0.0.5) hay mạng (10.0.0.0/24).",
        "{setting} is not valid: {entry} is neither an address (10.0.0.5) nor a network (10.0.0.0/24).",
    ),
    "setting_not_province": FaultText(
        "{setting} không hợp lệ: phải là mã của một tỉnh, thành phố, ví dụ 46 (Huế); các mã: {codes}.",
        "{setting} is not valid: it must be the code of a province, such as 46 (Huế); codes: {codes}.",
    ),
    "settings_file_unreadable": FaultText(
        "Không đọc được {path} dưới dạng TOML: {reason}.", "{path} cannot be read as TOML: {reason}."
    ),
    "settings_key_unknown": FaultText(
        "{path} có khóa {key} không dùng được; các khóa: {known}.",
        "{path} has the unknown key {key}; known keys: {known}.",
    ),
    "settings_key_mistyped": FaultText(
        "{path}: {key} phải là văn bản hoặc số nguyên.", "{path}: {key} must be a text or a whole number."
    ),
    "data_folder_not_created": FaultText(
        "Không tạo được thư mục dữ liệu {path} ({reason}); hãy đặt IOC_DATA_DIR là thư mục ghi được.",
        "The data folder {path} cannot be created ({reason}); set IOC_DATA_DIR to a folder that can be written.",
    ),
}
"""`setting` is the variable with its value, such as `IOC_HTTP_PORT='0'`."""


class SettingInvalid(ConfigurationInvalid):
    """A variable or a key of `ioc.toml` has a value that is not allowed; its text is English, `text` gives both."""

    def __init__(self, code: str, **params: Param) -> None:
        self.code = code
        self.params = MappingProxyType(params)
        super().__init__(self.text("en"))

    def text(self, language: str) -> str:
        """Return the sentence in `language`: `vi`, or English for any other."""
        texts = SETTING_TEXTS[self.code]
        return (texts.vi if language == "vi" else texts.en).format(**self.params)
