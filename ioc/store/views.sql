-- Made at every opening.
CREATE OR REPLACE VIEW next_offsets AS
    SELECT topic, partition, arg_max(next_offset, tick) AS next_offset
    FROM progress WHERE what = 'applied' GROUP BY topic, partition;
CREATE OR REPLACE VIEW resume_offsets AS
    SELECT topic, partition, arg_max(next_offset, tick) AS next_offset
    FROM progress WHERE what = 'read' GROUP BY topic, partition;
-- One row a source and topic; `generation_received` and `generation_fenced` count since the present generation began. Sums
-- stop at the end of 64 bits.
CREATE OR REPLACE VIEW source_ledger AS
    WITH present AS (SELECT source, topic, max(generation) AS generation FROM source_counts GROUP BY source, topic)
    SELECT source, topic, p.generation,
        max(c.sequence) FILTER (c.generation = p.generation) AS sequence,
        least(sum(received), 9223372036854775807)::BIGINT AS received,
        least(sum(CASE WHEN c.generation = p.generation THEN received END), 9223372036854775807)::BIGINT AS generation_received,
        least(sum(applied), 9223372036854775807)::BIGINT AS applied,
        least(sum(duplicate), 9223372036854775807)::BIGINT AS duplicate,
        least(sum(repeated), 9223372036854775807)::BIGINT AS repeated,
        least(sum(opened), 9223372036854775807)::BIGINT AS opened,
        least(sum(fenced), 9223372036854775807)::BIGINT AS fenced,
        least(sum(replayed), 9223372036854775807)::BIGINT AS replayed, max(last_input_at) AS last_input_at,
        least(sum(fenced_records), 9223372036854775807)::BIGINT AS fenced_records
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
        arg_max_null(a.code, a.number) AS code, arg_max_null(a.params, a.number) AS params,
        arg_max_null(a.next_at, a.number) AS next_at
    FROM deliveries d LEFT JOIN delivery_attempts a ON a.delivery = d.id
    GROUP BY ALL;
