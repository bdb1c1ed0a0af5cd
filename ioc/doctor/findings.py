"""Findings of an examination: a code with parameters, and a sentence in both languages that says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ioc.model.fault import FAULT_TEXTS, FaultText, Param


class Level(StrEnum):
    """`bad` needs a person; `note` is worth knowing; `good` works."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


FINDING_TEXTS: Mapping[str, tuple[Level, FaultText]] = {
    # Processes.
    "server_answers": (Level.GOOD, FaultText("Máy chủ trả lời tại {address}.", "The server answers at {address}.")),
    "server_away": (
        Level.BAD,
        FaultText(
            "Không có máy chủ nào trả lời tại {address}; hãy chạy `ioc up` hoặc `ioc serve`, rồi xem {log}.",
            "No server answers at {address}; run `ioc up` or `ioc serve`, then see {log}.",
        ),
    ),
    "server_refuses": (
        Level.BAD,
        FaultText(
            "Máy chủ tại {address} từ chối yêu cầu ({reason}); hãy kiểm tra IOC_ADMIN_TOKEN và IOC_DATA_DIR.",
            "The server at {address} refuses the request ({reason}); check IOC_ADMIN_TOKEN and IOC_DATA_DIR.",
        ),
    ),
    "parts_work": (Level.GOOD, FaultText("Mọi thành phần của máy chủ đều hoạt động.", "All parts of the server work.")),
    "lab_answers": (Level.GOOD, FaultText("Phòng phân tích trả lời.", "The lab answers.")),
    "lab_away": (
        Level.BAD,
        FaultText(
            "Phòng phân tích không trả lời (SQL, báo cáo, dữ liệu mở); hãy chạy `ioc lab` hoặc xem {log}.",
            "The lab does not answer (SQL, reports, open data); run `ioc lab` or see {log}.",
        ),
    ),
    # Kafka.
    "broker_answers": (
        Level.GOOD,
        FaultText(
            "Kafka trả lời tại {address}, đủ {topics} chủ đề.", "Kafka answers at {address} with all {topics} topics."
        ),
    ),
    "broker_does_not_answer": (
        Level.BAD,
        FaultText(
            "Kafka không trả lời: {reason} Hãy chạy `ioc up` (hoặc `ioc broker`), hoặc kiểm tra IOC_KAFKA.",
            "Kafka does not answer: {reason} Run `ioc up` (or `ioc broker`), or check IOC_KAFKA.",
        ),
    ),
    "topics_absent": (
        Level.BAD,
        FaultText("Kafka thiếu chủ đề {topics}; hãy chạy `ioc topics`.", "Kafka lacks {topics}; run `ioc topics`."),
    ),
    # Sources.
    "sources_fine": (
        Level.GOOD,
        FaultText("{count} nguồn dữ liệu hoạt động bình thường.", "{count} sources work normally."),
    ),
    "no_sources": (
        Level.NOTE,
        FaultText(
            "Chưa có nguồn dữ liệu nào; hãy đặt một tệp cho mỗi nguồn vào {folder} (README, «Sources»).",
            "There is no source yet; put one file per source into {folder} (README, “Sources”).",
        ),
    ),
    "source_troubled": (
        Level.BAD,
        FaultText("Nguồn {source} gặp lỗi: {reason}", "Source {source} has a fault: {reason}"),
    ),
    "source_late": (
        Level.NOTE,
        FaultText(
            "Nguồn {source} chậm hơn thời hạn đã khai báo; hãy hỏi đơn vị quản lý nguồn.",
            "Source {source} is later than declared; ask the people who run it.",
        ),
    ),
    "ledger_balances": (Level.GOOD, FaultText("Sổ cái khớp.", "The ledger balances.")),
    # Files.
    "settings_faulty": (Level.BAD, FaultText("Cấu hình sai: {reason}", "A setting is wrong: {reason}")),
    "definitions_fine": (
        Level.GOOD,
        FaultText(
            "Các định nghĩa hợp lệ ({kpis} chỉ tiêu, {rules} luật).",
            "The definitions are valid ({kpis} KPIs, {rules} rules).",
        ),
    ),
    "file_faulty": (
        Level.BAD,
        FaultText(
            "{file}: {reason} Trung tâm dùng bản hợp lệ gần nhất; hãy sửa tệp rồi chạy `ioc catalog check`.",
            "{file}: {reason} The centre uses the last good version; correct the file, then run `ioc catalog check`.",
        ),
    ),
    "source_file_faulty": (
        Level.BAD,
        FaultText("Tệp nguồn không dùng được: {reason}", "A source's file cannot be used: {reason}"),
    ),
    "readable_by_others": (
        Level.BAD,
        FaultText(
            "Người dùng khác của máy đọc được {file}; hãy chạy `chmod {mode} {file}`.",
            "Other users of this machine can read {file}; run `chmod {mode} {file}`.",
        ),
    ),
    "files_private": (
        Level.GOOD,
        FaultText("Các tệp bí mật chỉ chủ sở hữu đọc được.", "Secret files are readable for their owner alone."),
    ),
    "people_fine": (Level.GOOD, FaultText("Tệp tài khoản nguyên vẹn.", "The file of accounts is sound.")),
    "people_file_damaged": (
        Level.BAD,
        FaultText(
            "Tệp tài khoản {file} bị hỏng ({reason}); hãy dừng trung tâm và chép lại từ bản sao lưu, hoặc chuyển tệp "
            "đi nơi khác rồi tạo lại tài khoản bằng `ioc user add`.",
            "The file of accounts {file} is damaged ({reason}); stop the centre and restore it from a backup, or move "
            "it away and make the accounts again with `ioc user add`.",
        ),
    ),
    "store_sound": (
        Level.GOOD,
        FaultText("Kho dữ liệu mở được ({size_mb} MB).", "The store can be opened ({size_mb} MB)."),
    ),
    "store_file_damaged": (
        Level.BAD,
        FaultText(
            "Kho dữ liệu {file} không mở được ({reason}); hãy dừng trung tâm, chuyển tệp đi nơi khác và chép "
            "{snapshot} vào chỗ của nó: dữ liệu đến sau đó được đọc lại từ Kafka.",
            "The store {file} cannot be opened ({reason}); stop the centre, move the file away and copy {snapshot} in "
            "its place: what came later is read again from Kafka.",
        ),
    ),
    # Disk, snapshot, archive.
    "disk_roomy": (Level.GOOD, FaultText("Đĩa còn trống {percent} %.", "{percent} % of the disk is free.")),
    "disk_short": (
        Level.NOTE,
        FaultText(
            "Đĩa của {folder} chỉ còn trống {percent} % ({free_gb} GB); hãy dọn bớt hoặc mở rộng.",
            "Only {percent} % ({free_gb} GB) of the disk of {folder} is free; clear or enlarge it.",
        ),
    ),
    "disk_nearly_full": (
        Level.BAD,
        FaultText(
            "Đĩa của {folder} sắp đầy: còn {percent} % ({free_gb} GB); hãy giải phóng, nếu không dữ liệu ngừng ghi.",
            "The disk of {folder} is nearly full: {percent} % ({free_gb} GB) left; free it now, or writing stops.",
        ),
    ),
    "snapshot_recent": (
        Level.GOOD,
        FaultText("Bản chụp cho phân tích mới {minutes} phút.", "The analysts' snapshot is {minutes} min old."),
    ),
    "snapshot_absent": (
        Level.NOTE,
        FaultText(
            "Chưa có bản chụp nào; bản đầu tiên được tạo vài phút sau khi máy chủ chạy.",
            "There is no snapshot yet; the first is taken some minutes after the server has started.",
        ),
    ),
    "snapshot_old": (
        Level.BAD,
        FaultText(
            "Bản chụp cho phân tích đã cũ {minutes} phút; hãy xem {log} và chạy `ioc snapshot`. {reason}",
            "The analysts' snapshot is {minutes} min old; see {log} and run `ioc snapshot`. {reason}",
        ),
    ),
    "archive_sound": (
        Level.GOOD,
        FaultText("Kho lưu trữ có {files} tệp, đến ngày {day}.", "The archive holds {files} files up to {day}."),
    ),
}
"""Every code of an examination. Faults that the server reports have their own codes (ioc/model/fault.py)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One result. `code` is a key of FINDING_TEXTS or of FAULT_TEXTS; `params` fill its placeholders."""

    part: str
    code: str
    level: Level
    params: Mapping[str, Param]

    @classmethod
    def of(cls, part: str, code: str, **params: Param) -> Finding:
        """Make a finding of this package. Raises KeyError for an unknown code or a missing parameter."""
        level, text = FINDING_TEXTS[code]
        text.en.format(**params)
        return cls(part, code, level, params)

    def text(self, language: str) -> str:
        """Return the sentence in `vi`, or in English for any other language."""
        text = FINDING_TEXTS[self.code][1] if self.code in FINDING_TEXTS else FAULT_TEXTS[self.code]
        if language != "vi":
            return text.en.format(**self.params)
        written = {
            name: str(value).replace(".", ",") if isinstance(value, float) else value
            for name, value in self.params.items()
        }
        return text.vi.format(**written)

    def shape(self) -> dict[str, object]:
        """Return what the API and `ioc doctor --json` give."""
        return {
            "part": self.part,
            "code": self.code,
            "level": self.level.value,
            "params": dict(self.params),
            "text": {"vi": self.text("vi"), "en": self.text("en")},
        }
