-- What everyone reads: one view a level and kind, kept and recent rows together. Made anew at every opening, since
-- days are days of the province's zone ({zone_hours} hours from UTC).
CREATE OR REPLACE VIEW minute_panes AS
    SELECT measure, unit, subject, minute,
        n, sum, sum_squares, least, most, first_at, first, last_at, last
    FROM kept_minute_panes
    UNION ALL SELECT measure, unit, subject, minute,
        n, sum, sum_squares, least, most, first_at, first, last_at, last
    FROM recent_panes;
CREATE OR REPLACE VIEW hour_panes AS
    SELECT measure, unit, subject, hour,
        n, sum, sum_squares, least, most, first_at, first, last_at, last
    FROM kept_hour_panes
    UNION ALL SELECT measure, unit, subject, minute // 60 AS hour,
        n, sum, sum_squares, least, most, first_at, first, last_at, last
    FROM recent_panes;
CREATE OR REPLACE VIEW day_panes AS
    SELECT measure, unit, subject, day,
        n, sum, sum_squares, least, most, first_at, first, last_at, last
    FROM kept_day_panes
    UNION ALL SELECT measure, unit, subject, (minute // 60 + {zone_hours}) // 24 AS day,
        n, sum, sum_squares, least, most, first_at, first, last_at, last
    FROM recent_panes;
CREATE OR REPLACE VIEW minute_buckets AS
    SELECT measure, unit, minute, bucket, n FROM kept_minute_buckets
    UNION ALL SELECT measure, unit, minute, bucket, n FROM recent_buckets;
CREATE OR REPLACE VIEW hour_buckets AS
    SELECT measure, unit, hour, bucket, n FROM kept_hour_buckets
    UNION ALL SELECT measure, unit, minute // 60 AS hour, bucket, n FROM recent_buckets;
CREATE OR REPLACE VIEW day_buckets AS
    SELECT measure, unit, day, bucket, n FROM kept_day_buckets
    UNION ALL SELECT measure, unit, (minute // 60 + {zone_hours}) // 24 AS day, bucket, n FROM recent_buckets;
CREATE OR REPLACE VIEW minute_registers AS
    SELECT measure, unit, minute, register, rank FROM kept_minute_registers
    UNION ALL SELECT measure, unit, minute, register, rank FROM recent_registers;
CREATE OR REPLACE VIEW hour_registers AS
    SELECT measure, unit, hour, register, rank FROM kept_hour_registers
    UNION ALL SELECT measure, unit, minute // 60 AS hour, register, rank FROM recent_registers;
CREATE OR REPLACE VIEW day_registers AS
    SELECT measure, unit, day, register, rank FROM kept_day_registers
    UNION ALL SELECT measure, unit, (minute // 60 + {zone_hours}) // 24 AS day, register, rank FROM recent_registers;

CREATE OR REPLACE VIEW next_offsets AS
    SELECT topic, partition, arg_max(next_offset, tick) AS next_offset
    FROM progress WHERE what = 'applied' GROUP BY topic, partition;
CREATE OR REPLACE VIEW resume_offsets AS
    SELECT topic, partition, arg_max(next_offset, tick) AS next_offset
    FROM progress WHERE what = 'read' GROUP BY topic, partition;
-- One row a source and topic; `generation_received` counts since the present generation began.
CREATE OR REPLACE VIEW source_ledger AS
    WITH present AS (SELECT source, topic, max(generation) AS generation FROM source_counts GROUP BY source, topic)
    SELECT source, topic, p.generation,
        max(c.sequence) FILTER (c.generation = p.generation) AS sequence,
        sum(received)::BIGINT AS received,
        sum(received) FILTER (c.generation = p.generation)::BIGINT AS generation_received,
        sum(applied)::BIGINT AS applied, sum(duplicate)::BIGINT AS duplicate, sum(repeated)::BIGINT AS repeated,
        sum(opened)::BIGINT AS opened, sum(fenced)::BIGINT AS fenced, sum(replayed)::BIGINT AS replayed, max(last_input_at) AS last_input_at
    FROM source_counts c JOIN present p USING (source, topic)
    GROUP BY source, topic, p.generation;
