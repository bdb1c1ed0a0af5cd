"""A pack to begin with: a measure, a case type and KPIs over them, with a comment at each field."""

PACK = """\
# {sector}: change what differs, remove what you do not need, then run `ioc catalog check` and reload the catalogue.
# This file extends the definitions that come with the centre; an entry with a known id changes the fields it names.

[sector]
id = "{sector}"
name = {{ vi = "{sector}", en = "{sector}" }}          # name in lists
order = 80                                     # position in lists

# What readings measure. kind: "gauge" is a state (a level), "delta" an amount since the previous reading.
[[measure]]
id = "{sector}.level"
name = {{ vi = "Mực nước", en = "Water level" }}
unit_of_measure = "m"
kind = "gauge"
least = -5                                     # a value outside the range is refused and kept as a dead letter
most = 50
keeps_subject = true                           # each station is kept separately

# A thing with a life cycle. Remove it if you have none.
[[case_type]]
id = "{sector}_case"
name = {{ vi = "Vụ việc", en = "Case" }}
statuses = ["received", "settled"]
attributes = {{ kind = "code" }}                 # number, text, date, boolean, code; no personal data
clock = "working"                              # due dates count working days; "calendar" counts all days
due_in = 15                                    # days, if the source gives no due_at

# A figure that a decision sets. For another decision add a line with its day; earlier values stay the same.
[[constant]]
id = "{sector}.alarm_level"
name = {{ vi = "Mức báo động", en = "Alarm level" }}
values = [{{ from = "2025-01-01", value = 3.5, basis = "cấu hình, chưa có căn cứ" }}]

# window: now, today, month, quarter, year, yesterday, last_month, last_quarter, last_year, always; or a duration: 15m.
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

# A formula over KPIs and constants. A division needs when_zero, its result for a divisor of 0: a number or "no_data".
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

# Several windows make several KPIs: {sector}.settled.month and {sector}.settled.year, with the window in their names.
[[kpi]]
id = "{sector}.settled"
name = {{ vi = "Vụ việc đã giải quyết", en = "Cases settled" }}
unit_of_measure = "vụ"
window = ["month", "year"]
count = {{ of = "{sector}_case", where = "status = 'settled'", at = "closed_at" }}
per = ["province", "commune"]                  # levels of units that have it; also "department"
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
    """Return the TOML of a pack for a sector; it passes the check unchanged."""
    return PACK.format(sector=sector)
