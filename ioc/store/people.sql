-- Minutes of the table and of the archive together, for who looks back more than two days by minute.
CREATE OR REPLACE VIEW all_minute_panes AS
    SELECT measure, unit, subject, minute,
        n, sum, sum_squares, least, most, first_at, first, last_at, last
    FROM minute_panes
    UNION ALL SELECT measure, unit, subject, minute,
        n, sum, sum_squares, least, most, first_at, first, last_at, last
    FROM archived_minute_panes;
CREATE OR REPLACE VIEW all_minute_buckets AS
    SELECT measure, unit, minute, bucket, n
    FROM minute_buckets
    UNION ALL SELECT measure, unit, minute, bucket, n
    FROM archived_minute_buckets;
CREATE OR REPLACE VIEW all_minute_registers AS
    SELECT measure, unit, minute, register, rank
    FROM minute_registers
    UNION ALL SELECT measure, unit, minute, register, rank
    FROM archived_minute_registers;

-- For people: one row a pane, names instead of codes, times in UTC; a day begins at midnight of the province's zone.
CREATE OR REPLACE VIEW panes_minute AS
    SELECT m.id AS measure, u.id AS unit, coalesce(s.id, '') AS subject, make_timestamp(minute * 60000000::BIGINT) AS minute,
        sum(n)::BIGINT AS n, sum(sum) AS sum, sum(sum) / sum(n) AS mean, min(least) AS least, max(most) AS most,
        make_timestamp_ms(min(first_at)) AS first_at, arg_min(first, first_at) AS first,
        make_timestamp_ms(max(last_at)) AS last_at, arg_max(last, last_at) AS last
    FROM all_minute_panes p
    JOIN measure_codes m ON m.code = p.measure JOIN unit_codes u ON u.code = p.unit
    LEFT JOIN subject_codes s ON s.code = p.subject
    GROUP BY m.id, u.id, s.id, p.minute;
CREATE OR REPLACE VIEW panes_hour AS
    SELECT m.id AS measure, u.id AS unit, coalesce(s.id, '') AS subject, make_timestamp(hour * 3600000000::BIGINT) AS hour,
        sum(n)::BIGINT AS n, sum(sum) AS sum, sum(sum) / sum(n) AS mean, min(least) AS least, max(most) AS most,
        make_timestamp_ms(min(first_at)) AS first_at, arg_min(first, first_at) AS first,
        make_timestamp_ms(max(last_at)) AS last_at, arg_max(last, last_at) AS last
    FROM hour_panes p
    JOIN measure_codes m ON m.code = p.measure JOIN unit_codes u ON u.code = p.unit
    LEFT JOIN subject_codes s ON s.code = p.subject
    GROUP BY m.id, u.id, s.id, p.hour;
CREATE OR REPLACE VIEW panes_day AS
    SELECT m.id AS measure, u.id AS unit, coalesce(s.id, '') AS subject, DATE '1970-01-01' + day AS day,
        sum(n)::BIGINT AS n, sum(sum) AS sum, sum(sum) / sum(n) AS mean, min(least) AS least, max(most) AS most,
        make_timestamp_ms(min(first_at)) AS first_at, arg_min(first, first_at) AS first,
        make_timestamp_ms(max(last_at)) AS last_at, arg_max(last, last_at) AS last
    FROM day_panes p
    JOIN measure_codes m ON m.code = p.measure JOIN unit_codes u ON u.code = p.unit
    LEFT JOIN subject_codes s ON s.code = p.subject
    GROUP BY m.id, u.id, s.id, p.day;
