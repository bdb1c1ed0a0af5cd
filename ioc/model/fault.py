"""Faults of the running centre: a code with parameters, and the sentence that says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

Param = str | int | float


class FaultText(NamedTuple):
    """One sentence in both languages; `{name}` stands for a parameter, the same ones in both."""

    vi: str
    en: str


FAULT_TEXTS: Mapping[str, FaultText] = {
    # Parts of a process.
    "starting": FaultText(
        "Trung tâm đang khởi động: {step}; hãy đợi thêm.",
        "The centre is starting: {step}; please wait.",
    ),
    "thread_failed": FaultText(
        "Tác vụ nền {thread} gặp lỗi và đang được chạy lại; hãy xem nhật ký: {reason}.",
        "The background task {thread} failed and is being retried; see the log: {reason}.",
    ),
    "thread_stuck": FaultText(
        "Tác vụ nền {thread} không phản hồi đã {seconds} giây; nếu kéo dài, hãy khởi động lại tiến trình.",
        "The background task {thread} has not moved for {seconds} s; if that lasts, restart its process.",
    ),
    "thread_stopped": FaultText(
        "Tác vụ nền {thread} đã dừng; hãy khởi động lại tiến trình của nó.",
        "The background task {thread} has stopped; restart its process.",
    ),
    # What the centre stands on.
    "store_unavailable": FaultText(
        "Kho dữ liệu không ghi được (tác vụ {thread}): {reason}.",
        "The store cannot be written (task {thread}): {reason}.",
    ),
    "broker_away": FaultText(
        "Kafka không trả lời (tác vụ {thread}); dữ liệu được giữ trên đĩa cho đến khi có lại: {reason}.",
        "Kafka does not answer (task {thread}); data is kept on disk until it does: {reason}.",
    ),
    "spool_full": FaultText(
        "Bộ đệm trên đĩa không nhận thêm (tác vụ {thread}); hãy giải phóng đĩa hoặc khôi phục Kafka: {reason}.",
        "The disk buffer is full (task {thread}); free disk space or restore Kafka: {reason}.",
    ),
    "descriptors_used_up": FaultText(
        "Máy chủ không mở thêm được tệp hay kết nối nào ({reason}); hãy đóng bớt kết nối hoặc nâng `ulimit -n`.",
        "The server can open no more files or connections ({reason}); close connections or raise `ulimit -n`.",
    ),
    "disk_full": FaultText(
        "Đĩa gần đầy: {reason}; hãy giải phóng chỗ trống.",
        "The disk is nearly full: {reason}; free space.",
    ),
    "spool_waits": FaultText(
        "Bộ đệm trên đĩa của {source} giữ {records} bản ghi ({megabytes} MB) mà Kafka chưa nhận; chúng được gửi khi "
        "Kafka nhận lại.",
        "The disk buffer of {source} holds {records} records ({megabytes} MB) that Kafka has not taken yet; they are "
        "sent once it does.",
    ),
    "spool_left": FaultText(
        "Bộ đệm trên đĩa của {source} giữ {megabytes} MB nhưng không có nguồn nào gửi đi; hãy cấu hình lại nguồn "
        "{source}.",
        "The disk buffer of {source} holds {megabytes} MB that no running source sends; configure {source} again.",
    ),
    # The historian.
    "topics_missing": FaultText(
        "Kafka chưa có đủ các chủ đề; hãy chạy `ioc topics`: {reason}.",
        "Kafka does not have all topics; run `ioc topics`: {reason}.",
    ),
    "log_refused": FaultText(
        "Các chủ đề trong Kafka không phải là chủ đề mà kho đã đọc: {reason}.",
        "The topics in Kafka are not those that the store has read: {reason}.",
    ),
    # The ledger.
    "source_unbalanced": FaultText(
        "{source}: đã nhận {received} không bằng {applied} đã ghi, {duplicate} trùng, {rejected} bị loại và "
        "{in_flight} đang chờ.",
        "{source}: {received} received do not equal {applied} applied, {duplicate} duplicate, {rejected} rejected and "
        "{in_flight} in flight.",
    ),
    "records_missing": FaultText(
        "{source}: {records} bản ghi đã gửi nhưng không có trong Kafka.",
        "{source}: {records} records were sent, but are not in Kafka.",
    ),
    "output_missing": FaultText(
        "Offset {first} đến {last} của {topic} phân vùng {partition} chưa có kết quả xử lý; hãy chạy `ioc topics`.",
        "Offsets {first} to {last} of {topic} partition {partition} have no output; run `ioc topics`.",
    ),
    "inputs_lost": FaultText(
        "Offset {first} đến {last} của {topic} phân vùng {partition} đã mất: {reason}.",
        "Offsets {first} to {last} of {topic} partition {partition} are lost: {reason}.",
    ),
    "inputs_expired": FaultText(
        "Offset {first} đến {last} của {topic} phân vùng {partition} đã mất: hết hạn lưu trong Kafka trước khi "
        "được ghi; hãy giữ tiến trình `ioc streams` và `ioc serve` luôn chạy hoặc tăng thời gian lưu của chủ đề.",
        "Offsets {first} to {last} of {topic} partition {partition} are lost: they expired before they were applied; "
        "keep `ioc streams` and `ioc serve` running, or raise the topic's retention.",
    ),
    "topic_recreated": FaultText(
        "Offset {first} đến {last} của {topic} phân vùng {partition} đã mất: chủ đề đã bị tạo lại; "
        "hãy gửi lại dữ liệu của khoảng thời gian đó từ hệ thống nguồn.",
        "Offsets {first} to {last} of {topic} partition {partition} are lost: the topic was re-created; "
        "have the sector systems send the data of that time again.",
    ),
    "log_cut": FaultText(
        "Offset {first} đến {last} của {topic} phân vùng {partition} không còn trong Kafka dù kho đã đọc đến đó "
        "(ví dụ sau khi mất điện); việc ghi tiếp tục từ cuối chủ đề, hãy kiểm tra đĩa của Kafka.",
        "Offsets {first} to {last} of {topic} partition {partition} are gone from Kafka although the store has read "
        "them (for example after a power failure); writing continues from the end of the topic; check Kafka's disk.",
    ),
    "output_unreadable": FaultText(
        "Offset {first} đến {last} của {topic} phân vùng {partition} không được ghi: kết quả xử lý không đọc được và "
        "nằm trong danh sách bản ghi bị loại; hãy gửi lại dữ liệu đó.",
        "Offsets {first} to {last} of {topic} partition {partition} were not applied: their output cannot be read and "
        "is among the dead letters; have that data sent again.",
    ),
    "partition_stalled": FaultText(
        "{topic} phân vùng {partition} đứng yên đã {seconds} giây ở offset {first}, {waiting} thông điệp đang chờ; "
        "hãy kiểm tra `ioc streams` có đang chạy không, rồi chạy `ioc topics`.",
        "{topic} partition {partition} has been stuck for {seconds} s at offset {first}, and {waiting} messages wait; "
        "check that `ioc streams` runs, then run `ioc topics`.",
    ),
    "writer_fenced": FaultText(
        "{source}: {records} bản ghi không được ghi vì một bộ ghi khác dùng tên nguồn này với thế hệ cao hơn "
        "{generation}; bộ ghi của nguồn sẽ tự mở lại; nếu tái diễn, hãy tìm xem ai đang ghi cùng tên.",
        "{source}: {records} records were not applied, since another writer used its name with a generation above "
        "{generation}; its own writer reopens by itself; if this returns, find out who else writes under that name.",
    ),
    "rows_miscounted": FaultText(
        "Số dòng trong kho không khớp với sổ cái: {reason}.",
        "{reason}.",
    ),
    # What a person wrote or a disk broke; the rest of the centre goes on.
    "definition_faulty": FaultText(
        "Tệp {file} có lỗi nên bản hợp lệ gần nhất đang được dùng; hãy sửa tệp rồi nạp lại định nghĩa: {reason}",
        "The file {file} is faulty and its last good version is used; correct it, then reload the definitions: "
        "{reason}",
    ),
    "people_damaged": FaultText(
        "Tệp tài khoản {file} bị hỏng nên không ai đăng nhập được; hãy chạy `ioc doctor`: {reason}",
        "The file of accounts {file} is damaged and nobody can log in; run `ioc doctor`: {reason}",
    ),
    "store_damaged": FaultText(
        "Kho dữ liệu không mở được nên chưa có số liệu nào; hãy chạy `ioc doctor` để biết cách khôi phục: {reason}",
        "The store cannot be opened, so there are no values; run `ioc doctor` to learn how to restore it: {reason}",
    ),
    "lab_away": FaultText(
        "Phòng phân tích không trả lời (SQL, báo cáo, dữ liệu mở); hãy chạy `ioc lab` hoặc xem {reason}.",
        "The lab does not answer (SQL, reports, open data); run `ioc lab` or see {reason}.",
    ),
    # The archive.
    "archive_damaged": FaultText(
        "Tệp lưu trữ {file} bị hỏng nên không được đọc; hãy khôi phục tệp từ bản sao lưu.",
        "The archive file {file} is damaged and is not read; restore it from a backup.",
    ),
    "archive_missing": FaultText(
        "Thiếu tệp lưu trữ {file}; hãy khôi phục tệp từ bản sao lưu.",
        "The archive file {file} is missing; restore it from a backup.",
    ),
}
"""Every code there is. The pages have the same codes as `fault.<code>` in `ui/src/texts`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`code` is a key of FAULT_TEXTS and `params` fill its placeholders; `detail` is the English sentence; `since` is
    when it began (aware, UTC)."""

    code: str
    params: Mapping[str, Param]
    detail: str
    since: datetime

    @classmethod
    def of(cls, code: str, since: datetime, **params: Param) -> Fault:
        """Make a fault with its sentence. Raises KeyError for a code without a text or a missing parameter."""
        return cls(code, params, FAULT_TEXTS[code].en.format(**params), since)

    def text(self, language: str) -> str:
        """Return the sentence in `vi`, or in English for any other language."""
        return FAULT_TEXTS[self.code].vi.format(**self.params) if language == "vi" else self.detail
