-- The store. Times of panes are whole numbers, so that reducing needs no time arithmetic: `minute` and `hour` count
-- from 1970 UTC, `day` counts days of the province's zone; `first_at`, `last_at` are ms since 1970. All TIMESTAMPs are UTC.
-- No indexes: they live in memory and cost more on writing than they save (ARCHITECTURE.md, "Store").

CREATE TABLE IF NOT EXISTS store_facts (version INTEGER NOT NULL, zone_hours INTEGER NOT NULL, made_at TIMESTAMP NOT NULL);
-- Whose data it is; one row once the first server has opened it.
CREATE TABLE IF NOT EXISTS store_province (code VARCHAR NOT NULL);

-- Words of the panes as small numbers. Subject 0 means none, or merged.
CREATE TABLE IF NOT EXISTS measure_codes (code SMALLINT NOT NULL, id VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS unit_codes (code SMALLINT NOT NULL, id VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS subject_codes (code INTEGER NOT NULL, id VARCHAR NOT NULL);

-- Panes: additive rows. Several rows of one key are one pane; readers merge them (n, sum, sum_squares add; least, most;
-- the first by (first_at, first) and the last by (last_at, last)).
--
-- A tick appends to `recent_*` only, by minute; the views below read the recent rows at every level, so hours and days
-- are exact at each commit. Every few seconds the roll-up moves the recent rows, merged, into `kept_*` of each level:
-- rows that live so briefly never reach the file, and the log takes a third of the bytes.
CREATE TABLE IF NOT EXISTS recent_panes (
    measure SMALLINT NOT NULL, unit SMALLINT NOT NULL, subject INTEGER NOT NULL, minute INTEGER NOT NULL,
    n BIGINT NOT NULL, sum DOUBLE NOT NULL, sum_squares DOUBLE NOT NULL, least DOUBLE NOT NULL, most DOUBLE NOT NULL,
    first_at BIGINT NOT NULL, first DOUBLE NOT NULL, last_at BIGINT NOT NULL, last DOUBLE NOT NULL);
CREATE TABLE IF NOT EXISTS kept_minute_panes (
    measure SMALLINT NOT NULL, unit SMALLINT NOT NULL, subject INTEGER NOT NULL, minute INTEGER NOT NULL,
    n BIGINT NOT NULL, sum DOUBLE NOT NULL, sum_squares DOUBLE NOT NULL, least DOUBLE NOT NULL, most DOUBLE NOT NULL,
    first_at BIGINT NOT NULL, first DOUBLE NOT NULL, last_at BIGINT NOT NULL, last DOUBLE NOT NULL);
CREATE TABLE IF NOT EXISTS kept_hour_panes (
    measure SMALLINT NOT NULL, unit SMALLINT NOT NULL, subject INTEGER NOT NULL, hour INTEGER NOT NULL,
    n BIGINT NOT NULL, sum DOUBLE NOT NULL, sum_squares DOUBLE NOT NULL, least DOUBLE NOT NULL, most DOUBLE NOT NULL,
    first_at BIGINT NOT NULL, first DOUBLE NOT NULL, last_at BIGINT NOT NULL, last DOUBLE NOT NULL);
CREATE TABLE IF NOT EXISTS kept_day_panes (
    measure SMALLINT NOT NULL, unit SMALLINT NOT NULL, subject INTEGER NOT NULL, day INTEGER NOT NULL,
    n BIGINT NOT NULL, sum DOUBLE NOT NULL, sum_squares DOUBLE NOT NULL, least DOUBLE NOT NULL, most DOUBLE NOT NULL,
    first_at BIGINT NOT NULL, first DOUBLE NOT NULL, last_at BIGINT NOT NULL, last DOUBLE NOT NULL);
-- Histograms for quantiles, additive in n; subjects merged.
CREATE TABLE IF NOT EXISTS recent_buckets (
    measure SMALLINT NOT NULL, unit SMALLINT NOT NULL, minute INTEGER NOT NULL, bucket SMALLINT NOT NULL,
    n BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS kept_minute_buckets (
    measure SMALLINT NOT NULL, unit SMALLINT NOT NULL, minute INTEGER NOT NULL, bucket SMALLINT NOT NULL,
    n BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS kept_hour_buckets (
    measure SMALLINT NOT NULL, unit SMALLINT NOT NULL, hour INTEGER NOT NULL, bucket SMALLINT NOT NULL,
    n BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS kept_day_buckets (
    measure SMALLINT NOT NULL, unit SMALLINT NOT NULL, day INTEGER NOT NULL, bucket SMALLINT NOT NULL,
    n BIGINT NOT NULL);
-- HyperLogLog registers for distinct subjects; the greatest rank of a register holds.
CREATE TABLE IF NOT EXISTS recent_registers (
    measure SMALLINT NOT NULL, unit SMALLINT NOT NULL, minute INTEGER NOT NULL, register SMALLINT NOT NULL,
    rank TINYINT NOT NULL);
CREATE TABLE IF NOT EXISTS kept_minute_registers (
    measure SMALLINT NOT NULL, unit SMALLINT NOT NULL, minute INTEGER NOT NULL, register SMALLINT NOT NULL,
    rank TINYINT NOT NULL);
CREATE TABLE IF NOT EXISTS kept_hour_registers (
    measure SMALLINT NOT NULL, unit SMALLINT NOT NULL, hour INTEGER NOT NULL, register SMALLINT NOT NULL,
    rank TINYINT NOT NULL);
CREATE TABLE IF NOT EXISTS kept_day_registers (
    measure SMALLINT NOT NULL, unit SMALLINT NOT NULL, day INTEGER NOT NULL, register SMALLINT NOT NULL,
    rank TINYINT NOT NULL);

-- Readings of sources that correct themselves (`same_key = "correction"`), one row a key (source, measure, unit, subject,
-- time_ms) with the value that holds; `version` counts the values it has had. The views show each row as a pane of one
-- reading (`pane_subject`: 0 where panes merge the subjects; `bucket`, `register`, `rank`: what it adds to sketches).
CREATE TABLE IF NOT EXISTS keyed_readings (
    source VARCHAR NOT NULL, measure SMALLINT NOT NULL, unit SMALLINT NOT NULL, subject INTEGER NOT NULL,
    time_ms BIGINT NOT NULL, pane_subject INTEGER NOT NULL, minute INTEGER NOT NULL, hour INTEGER NOT NULL,
    day INTEGER NOT NULL, value DOUBLE NOT NULL, version INTEGER NOT NULL, bucket SMALLINT, register SMALLINT,
    rank TINYINT);

-- The latest version of each case, and every distinct version. `attributes` is a JSON object or null; `case_key` a hash
-- of type and id by which a tick finds the rows it replaces. `deadline_at` and `pauses` are derived from all versions of
-- the case (ioc/store/case_clocks.py), `first_at` is the earliest `updated_at` of them.
CREATE TABLE IF NOT EXISTS cases (
    case_type VARCHAR NOT NULL, case_id VARCHAR NOT NULL, unit VARCHAR NOT NULL, status VARCHAR NOT NULL,
    channel VARCHAR, service VARCHAR, received_at TIMESTAMP NOT NULL, due_at TIMESTAMP, closed_at TIMESTAMP,
    updated_at TIMESTAMP NOT NULL, attributes VARCHAR, case_key UBIGINT NOT NULL,
    deadline_at TIMESTAMP, pauses INTEGER, first_at TIMESTAMP);
CREATE TABLE IF NOT EXISTS case_changes (
    case_type VARCHAR NOT NULL, case_id VARCHAR NOT NULL, unit VARCHAR NOT NULL, status VARCHAR NOT NULL,
    channel VARCHAR, service VARCHAR, received_at TIMESTAMP NOT NULL, due_at TIMESTAMP, closed_at TIMESTAMP,
    updated_at TIMESTAMP NOT NULL, attributes VARCHAR, applied_at TIMESTAMP NOT NULL);

-- The clocks of the case types in force, where they are not the plain one, and the calendar (ioc/catalog/working_time.py),
-- always one row; empty lists: no working day is known.
CREATE TABLE IF NOT EXISTS case_clocks (
    case_type VARCHAR NOT NULL, working BOOLEAN NOT NULL, pauses_in VARCHAR[] NOT NULL, due_in INTEGER);
-- The place of each status in the life cycle of its case type, from the catalogue.
CREATE TABLE IF NOT EXISTS case_steps (case_type VARCHAR NOT NULL, status VARCHAR NOT NULL, step INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS working_calendar (
    version VARCHAR NOT NULL, calendar_shift BIGINT NOT NULL, calendar_counts INTEGER[] NOT NULL,
    calendar_ends TIMESTAMP[] NOT NULL);
INSERT INTO working_calendar SELECT '', 0, [], [] WHERE NOT EXISTS (FROM working_calendar);

-- Where the historian stands. Rows are only appended, the latest tick's row of a place holds (see the views next_offsets
-- and resume_offsets): an append costs a quarter of an update. `what` is 'applied' (a source partition: the next input
-- to be applied) or 'read' (an output partition: where to read on).
CREATE TABLE IF NOT EXISTS progress (
    tick BIGINT NOT NULL, what VARCHAR NOT NULL, topic VARCHAR NOT NULL, partition INTEGER NOT NULL,
    next_offset BIGINT NOT NULL);
-- Identity of each topic as the broker gave it: a re-created topic has another, and its offsets mean other records.
CREATE TABLE IF NOT EXISTS topic_logs (topic VARCHAR NOT NULL, topic_id VARCHAR NOT NULL, since TIMESTAMP NOT NULL);
-- Input records that can never be applied: expired before an agent read them, or gone with a re-created topic (then
-- to_offset is the last end that was seen, which may be from_offset).
CREATE TABLE IF NOT EXISTS losses (
    topic VARCHAR NOT NULL, partition INTEGER NOT NULL, from_offset BIGINT NOT NULL, to_offset BIGINT NOT NULL,
    why VARCHAR NOT NULL, found_at TIMESTAMP NOT NULL);

-- Counts of each source, additive rows, appended in the transaction that applies the data (see the view source_ledger).
-- `repeated` are applied case versions that the store had already and applied readings that replaced another, `opened` cases first seen; `fenced` and `replayed` count batches, not records:
-- echoes of a dead writer, and outputs that an agent published again. `fenced_records` are the records of the former.
CREATE TABLE IF NOT EXISTS source_counts (
    source VARCHAR NOT NULL, topic VARCHAR NOT NULL, generation BIGINT NOT NULL, sequence BIGINT NOT NULL,
    received BIGINT NOT NULL, applied BIGINT NOT NULL, duplicate BIGINT NOT NULL, repeated BIGINT NOT NULL,
    opened BIGINT NOT NULL, fenced BIGINT NOT NULL, replayed BIGINT NOT NULL, last_input_at TIMESTAMP NOT NULL);
ALTER TABLE source_counts ADD COLUMN IF NOT EXISTS fenced_records BIGINT DEFAULT 0;
CREATE TABLE IF NOT EXISTS source_rejections (
    source VARCHAR NOT NULL, topic VARCHAR NOT NULL, reason VARCHAR NOT NULL, n BIGINT NOT NULL);

-- Which source feeds which word (`kind` measure or case_type, `word` its id): additive rows, appended in the transaction
-- that applies the data. `rows` are readings or case versions; `first_at`, `last_at` when the broker took their batches.
CREATE TABLE IF NOT EXISTS feeds (
    source VARCHAR NOT NULL, kind VARCHAR NOT NULL, word VARCHAR NOT NULL, rows BIGINT NOT NULL,
    first_at TIMESTAMP NOT NULL, last_at TIMESTAMP NOT NULL);
-- Batches that reached back into closed days, until it is judged whether they changed a published value. `samples` are the
-- readings in such days, or the case versions with any time in them; `late` those heard of late (readings all, cases by
-- `updated_at`). `first_day`, `last_day` are the earliest and latest of these days (since 1970, of the zone);
-- `applied_at` is that of the commit, and to the millisecond that of its case_changes.
CREATE TABLE IF NOT EXISTS late_batches (
    applied_at TIMESTAMP NOT NULL, source VARCHAR NOT NULL, topic VARCHAR NOT NULL, partition INTEGER NOT NULL,
    "offset" BIGINT NOT NULL, kind VARCHAR NOT NULL, word VARCHAR NOT NULL, samples BIGINT NOT NULL,
    late BIGINT NOT NULL, first_day INTEGER NOT NULL, last_day INTEGER NOT NULL);
-- The value of each closed period (`period` day, month, quarter, year) as last published; no row where there was none.
CREATE TABLE IF NOT EXISTS published_periods (
    kpi VARCHAR NOT NULL, unit VARCHAR NOT NULL, period VARCHAR NOT NULL, period_from TIMESTAMP NOT NULL,
    period_to TIMESTAMP NOT NULL, value DOUBLE, samples BIGINT NOT NULL, definition_version VARCHAR NOT NULL,
    published_at TIMESTAMP NOT NULL);
-- Every change of a published value, with the value before and after. `cause` is `data` or `definition`; `batches` a JSON
-- list of {source, topic, partition, from_offset, to_offset, samples} with half-open offsets, `samples_late` the sum.
CREATE TABLE IF NOT EXISTS restatements (
    kpi VARCHAR NOT NULL, unit VARCHAR NOT NULL, period VARCHAR NOT NULL, period_from TIMESTAMP NOT NULL,
    period_to TIMESTAMP NOT NULL, published_at TIMESTAMP NOT NULL, restated_at TIMESTAMP NOT NULL,
    value_before DOUBLE, value_after DOUBLE, samples_before BIGINT NOT NULL, samples_after BIGINT NOT NULL,
    version_before VARCHAR NOT NULL, version_after VARCHAR NOT NULL, cause VARCHAR NOT NULL,
    samples_late BIGINT NOT NULL, batches VARCHAR NOT NULL);

-- Unfit records, each once by its key; `cut_from` is the size of a record too large to keep whole. `records` above 1:
-- so many records with the same fault, one a line.
CREATE TABLE IF NOT EXISTS dead_letters (
    key VARCHAR NOT NULL, source VARCHAR NOT NULL, topic VARCHAR NOT NULL, partition INTEGER NOT NULL,
    "offset" BIGINT NOT NULL, "index" BIGINT NOT NULL, field VARCHAR NOT NULL, reason VARCHAR NOT NULL,
    message VARCHAR NOT NULL, content BLOB NOT NULL, cut_from BIGINT, "at" TIMESTAMP NOT NULL);
ALTER TABLE dead_letters ADD COLUMN IF NOT EXISTS records BIGINT DEFAULT 1;
-- What a replay needs beside the content, and who had the record read again; it then counts as a new one.
ALTER TABLE dead_letters ADD COLUMN IF NOT EXISTS place VARCHAR;
ALTER TABLE dead_letters ADD COLUMN IF NOT EXISTS replayed_at TIMESTAMP;
ALTER TABLE dead_letters ADD COLUMN IF NOT EXISTS replayed_by VARCHAR;

-- KPI values as they were shown; `value` is null without data.
CREATE TABLE IF NOT EXISTS kpi_values (
    kpi VARCHAR NOT NULL, unit VARCHAR NOT NULL, evaluated_at TIMESTAMP NOT NULL, as_of TIMESTAMP, value DOUBLE,
    samples BIGINT NOT NULL, freshness VARCHAR NOT NULL, definition_version VARCHAR NOT NULL);

-- Files of the archive. `writing`: announced, perhaps half there; `kept`: part of the history, its rows are no longer in
-- the table; `dropped`: replaced or expired, to be unlinked; `missing` and `damaged` files are not read, and kept again once
-- they are restored. `n` is the sum of readings (panes) in the file.
CREATE TABLE IF NOT EXISTS archive_files (
    kind VARCHAR NOT NULL, day INTEGER NOT NULL, path VARCHAR NOT NULL, state VARCHAR NOT NULL,
    rows BIGINT NOT NULL, n BIGINT NOT NULL, size_bytes BIGINT NOT NULL);
-- SHA-256 of each file as it was written.
CREATE TABLE IF NOT EXISTS archive_digests (path VARCHAR NOT NULL, digest VARCHAR NOT NULL);
-- Readings whose panes a level no longer keeps, so that the audit still adds up.
CREATE TABLE IF NOT EXISTS retired (level VARCHAR NOT NULL, day INTEGER NOT NULL, n BIGINT NOT NULL);

-- Alerting. Transitions of alerts, append-only in the order of `number`; `id` is the same however often one is computed.
CREATE TABLE IF NOT EXISTS alert_transitions (
    number BIGINT NOT NULL, id VARCHAR NOT NULL, kind VARCHAR NOT NULL, moved_at TIMESTAMP NOT NULL, alert VARCHAR NOT NULL,
    rule VARCHAR NOT NULL, unit VARCHAR NOT NULL, onset_at TIMESTAMP NOT NULL, severity VARCHAR NOT NULL, value DOUBLE,
    rule_version VARCHAR NOT NULL, reason VARCHAR NOT NULL);
-- What must outlast a crash, as JSON, one row a part (`engine`, `outbox`); written with the transitions it comes of.
CREATE TABLE IF NOT EXISTS alerting_state (part VARCHAR NOT NULL, content VARCHAR NOT NULL);
-- What people keep, as JSON, one row each: `kind` is silence, aside (a shelving, a rule out of service),
-- acknowledgement, incident, or incoming (an alert of another system).
CREATE TABLE IF NOT EXISTS alerting_records (
    kind VARCHAR NOT NULL, id VARCHAR NOT NULL, content VARCHAR NOT NULL, changed_at TIMESTAMP NOT NULL);
-- What people did about an alert, append-only: acknowledge, unacknowledge, shelve, unshelve, comment.
CREATE TABLE IF NOT EXISTS alert_acts (
    done_at TIMESTAMP NOT NULL, who VARCHAR NOT NULL, act VARCHAR NOT NULL, alert VARCHAR NOT NULL, rule VARCHAR NOT NULL,
    unit VARCHAR NOT NULL, text VARCHAR NOT NULL);
-- The outbox: one message to one channel, rendered when it was planned; `payload` is JSON for webhooks. Those of a
-- `lane` go out in the order of `number`. `outcome` of an attempt is sent, failed (tried again at `next_at`), dead (given
-- up) or again (a person sends a dead one once more); the last one says how the delivery stands.
CREATE TABLE IF NOT EXISTS deliveries (
    id VARCHAR NOT NULL, kind VARCHAR NOT NULL, lane VARCHAR NOT NULL, number BIGINT NOT NULL, route VARCHAR NOT NULL,
    receiver VARCHAR NOT NULL, channel VARCHAR NOT NULL, person VARCHAR NOT NULL, planned_at TIMESTAMP NOT NULL,
    alerts VARCHAR[] NOT NULL, transitions VARCHAR[] NOT NULL, subject VARCHAR NOT NULL, body VARCHAR NOT NULL,
    payload VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS delivery_attempts (
    delivery VARCHAR NOT NULL, number INTEGER NOT NULL, tried_at TIMESTAMP NOT NULL, outcome VARCHAR NOT NULL,
    reason VARCHAR NOT NULL, next_at TIMESTAMP, code VARCHAR, params VARCHAR);
ALTER TABLE delivery_attempts ADD COLUMN IF NOT EXISTS code VARCHAR;
ALTER TABLE delivery_attempts ADD COLUMN IF NOT EXISTS params VARCHAR;
-- Rules changed in the console (`fields` as JSON, null: taken out) and routings (`content` as TOML); never rewritten.
CREATE TABLE IF NOT EXISTS rule_versions (
    rule VARCHAR NOT NULL, number INTEGER NOT NULL, fields VARCHAR, changed_by VARCHAR NOT NULL, changed_at TIMESTAMP NOT NULL,
    why VARCHAR NOT NULL, version_of INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS routing_versions (
    number INTEGER NOT NULL, content VARCHAR NOT NULL, changed_by VARCHAR NOT NULL, changed_at TIMESTAMP NOT NULL,
    why VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS incident_files (
    id VARCHAR NOT NULL, incident VARCHAR NOT NULL, name VARCHAR NOT NULL, content BLOB NOT NULL);
