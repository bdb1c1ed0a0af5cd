"""A pack to begin with: one measure, one case type and KPIs over them, with a comment at each field."""

PACK = """\
# {sector}: write what is so, remove what you do not need, then run `ioc catalog check` and reload the catalogue.
# Everything here is laid over the definitions that come with the centre; an id that is known replaces single fields.

[sector]
id = "{sector}"
name = {{ vi = "{sector}", en = "{sector}" }}          # how the field is called in lists
order = 80                                     # its place in lists

# What a reading measures. kind: "gauge" is a state (a level), "delta" an amount since the reading before.
[[measure]]
id = "{sector}.level"
name = {{ vi = "Mực nước", en = "Water level" }}
unit_of_measure = "m"
kind = "gauge"
least = -5                                     # a value outside is refused and kept as a dead letter
most = 50
keeps_subject = true                           # stations are told apart

# A thing with a life cycle. Remove it when you have none.
[[case_type]]
id = "{sector}_case"
name = {{ vi = "Vụ việc", en = "Case" }}
statuses = ["received", "settled"]
attributes = {{ kind = "code" }}                 # number, text, date, boolean, code; no personal data
clock = "working"                              # due dates count working days; "calendar" counts all days
due_in = 15                                    # days, where the source gives no due_at

# A figure that a decision sets. Another decision: add a line with its day; what was before stays as it was.
[[constant]]
id = "{sector}.alarm_level"
name = {{ vi = "Mức báo động", en = "Alarm level" }}
values = [{{ from = "2025-01-01", value = 3.5, basis = "cấu hình, chưa có căn cứ" }}]

# window: now, today, month, quarter, year, yesterday, last_month, last_quarter, last_year, always, or a span: 15m, 24h.
# take: count, sum, mean, min, max, last, rate, stddev, quantile, distinct.
[[kpi]]
id = "{sector}.level_max"
name = {{ vi = "Mực nước cao nhất 24 giờ", en = "Highest water level, 24 h" }}
unit_of_measure = "m"
window = "24h"
aggregate = {{ measure = "{sector}.level", take = "max" }}
fresh_within = "90m"                           # older data is shown as stale
min_samples = 1                                # fewer: "insufficient", no value
basis = "cấu hình, chưa có căn cứ"             # decree, decision or standard

# A formula over KPIs and constants. A division says what holds when it is by zero: a number, or "no_data".
[[kpi]]
id = "{sector}.level_share"
name = {{ vi = "Mực nước so với báo động", en = "Water level by alarm level" }}
unit_of_measure = "%"
window = "24h"
formula = {{ text = "100 * {sector}.level_max / {sector}.alarm_level" }}
bands = [
    {{ at_least = 100, name = {{ vi = "Báo động", en = "Alarm" }} }},
    {{ name = {{ vi = "Bình thường", en = "Normal" }} }},
]
basis = "cấu hình, chưa có căn cứ"

# Several windows at once: makes {sector}.settled.month and {sector}.settled.year, the names said with their window.
[[kpi]]
id = "{sector}.settled"
name = {{ vi = "Vụ việc đã giải quyết", en = "Cases settled" }}
unit_of_measure = "vụ"
window = ["month", "year"]
count = {{ of = "{sector}_case", where = "status = 'settled'", at = "closed_at" }}
per = ["province", "commune"]                  # the units it speaks of; also "department"
digits = 0
basis = "cấu hình, chưa có căn cứ"

[[kpi]]
id = "{sector}.on_time"
name = {{ vi = "Tỷ lệ giải quyết đúng hạn", en = "Settled on time" }}
unit_of_measure = "%"
window = ["month", "year"]
ratio = {{ of = "{sector}_case", where = "closed_at <= deadline_at", over = "closed_at is not null", at = "closed_at" }}
target = [{{ year = 2026, at_least = 95, basis = "kế hoạch của tỉnh" }}]
basis = "cấu hình, chưa có căn cứ"
"""


def new_pack(sector: str) -> str:
    """TOML of a pack for a sector; it passes the check as it is."""
    return PACK.format(sector=sector)
