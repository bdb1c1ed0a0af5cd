-- What everyone reads: one view per level and kind, with the kept, recent and keyed rows. Made at every opening, since days
-- are days of the province's zone ({zone_hours} hours from UTC), and when the first keyed reading comes: ioc/store/levels.py.
CREATE OR REPLACE VIEW minute_panes AS
    SELECT measure, unit, subject, minute,
        n, sum, sum_squares, least, most, first_at, first, last_at, last
    FROM kept_minute_panes
    UNION ALL SELECT measure, unit, subject, minute,
        n, sum, sum_squares, least, most, first_at, first, last_at, last
    FROM recent_panes{keyed_minute_panes};
CREATE OR REPLACE VIEW hour_panes AS
    SELECT measure, unit, subject, hour,
        n, sum, sum_squares, least, most, first_at, first, last_at, last
    FROM kept_hour_panes
    UNION ALL SELECT measure, unit, subject, minute // 60 AS hour,
        n, sum, sum_squares, least, most, first_at, first, last_at, last
    FROM recent_panes{keyed_hour_panes};
CREATE OR REPLACE VIEW day_panes AS
    SELECT measure, unit, subject, day,
        n, sum, sum_squares, least, most, first_at, first, last_at, last
    FROM kept_day_panes
    UNION ALL SELECT measure, unit, subject, (minute // 60 + {zone_hours}) // 24 AS day,
        n, sum, sum_squares, least, most, first_at, first, last_at, last
    FROM recent_panes{keyed_day_panes};
CREATE OR REPLACE VIEW minute_buckets AS
    SELECT measure, unit, minute, bucket, n FROM kept_minute_buckets
    UNION ALL SELECT measure, unit, minute, bucket, n FROM recent_buckets{keyed_minute_buckets};
CREATE OR REPLACE VIEW hour_buckets AS
    SELECT measure, unit, hour, bucket, n FROM kept_hour_buckets
    UNION ALL SELECT measure, unit, minute // 60 AS hour, bucket, n FROM recent_buckets{keyed_hour_buckets};
CREATE OR REPLACE VIEW day_buckets AS
    SELECT measure, unit, day, bucket, n FROM kept_day_buckets
    UNION ALL SELECT measure, unit, (minute // 60 + {zone_hours}) // 24 AS day, bucket, n FROM recent_buckets{keyed_day_buckets};
CREATE OR REPLACE VIEW minute_registers AS
    SELECT measure, unit, minute, register, rank FROM kept_minute_registers
    UNION ALL SELECT measure, unit, minute, register, rank FROM recent_registers{keyed_minute_registers};
CREATE OR REPLACE VIEW hour_registers AS
    SELECT measure, unit, hour, register, rank FROM kept_hour_registers
    UNION ALL SELECT measure, unit, minute // 60 AS hour, register, rank FROM recent_registers{keyed_hour_registers};
CREATE OR REPLACE VIEW day_registers AS
    SELECT measure, unit, day, register, rank FROM kept_day_registers
    UNION ALL SELECT measure, unit, (minute // 60 + {zone_hours}) // 24 AS day, register, rank FROM recent_registers{keyed_day_registers};
