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

-- Alerts that fired, one row each; `ended_at` is null while it lasts. `acknowledged_at` is the first time.
CREATE OR REPLACE VIEW alerts AS
    SELECT t.alert, any_value(t.rule) AS rule, any_value(t.unit) AS unit, arg_max(t.severity, t.number) AS severity,
        any_value(t.onset_at) AS onset_at, min(t.moved_at) FILTER (t.kind = 'firing') AS fired_at,
        max(t.moved_at) FILTER (t.kind = 'resolved') AS ended_at,
        arg_min(t.value, t.number) FILTER (t.kind = 'firing') AS value_at_firing,
        any_value(a.done_at) AS acknowledged_at, any_value(a.who) AS acknowledged_by
    FROM alert_transitions t
    LEFT JOIN (SELECT alert, min(done_at) AS done_at, arg_min(who, done_at) AS who FROM alert_acts WHERE act = 'acknowledge'
        GROUP BY alert) a USING (alert)
    GROUP BY t.alert HAVING min(t.moved_at) FILTER (t.kind = 'firing') IS NOT NULL;
CREATE OR REPLACE VIEW incidents AS
    SELECT id, content->>'$.title' AS title, content->>'$.severity' AS severity,
        make_timestamp_ms((content->>'$.opened_ms')::BIGINT) AS opened_at, content->>'$.opened_by' AS opened_by,
        content->>'$.assignee' AS assignee, make_timestamp_ms((content->>'$.closed_ms')::BIGINT) AS closed_at,
        content->>'$.closing_reason' AS closing_reason, (content->'$.alerts')::VARCHAR[] AS alerts
    FROM alerting_records WHERE kind = 'incident';
-- How each delivery stands: waiting, sent or dead.
CREATE OR REPLACE VIEW delivery_states AS
    SELECT d.id, d.kind, d.lane, d.number, d.route, d.receiver, d.channel, d.person, d.planned_at, d.alerts, d.subject,
        CASE WHEN arg_max(a.outcome, a.number) IN ('sent', 'dead') THEN arg_max(a.outcome, a.number) ELSE 'waiting' END
            AS state,
        count(a.number) AS attempts, max(a.tried_at) AS last_at, arg_max(a.reason, a.number) AS reason,
        arg_max_null(a.next_at, a.number) AS next_at
    FROM deliveries d LEFT JOIN delivery_attempts a ON a.delivery = d.id
    GROUP BY ALL;
