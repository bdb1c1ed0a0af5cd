-- The stable views, version 1 (ioc/lab/dictionary.toml says what they mean). `{minutes}` lists the day files of minutes.
CREATE OR REPLACE VIEW kpi_values AS SELECT kpi, unit, evaluated_at, as_of, value, samples, freshness, definition_version
    FROM kept.kpi_values;
CREATE OR REPLACE VIEW kpi_periods AS SELECT kpi, unit, period, period_from, period_to, value, samples, definition_version,
    published_at FROM kept.kpi_periods;
CREATE OR REPLACE VIEW readings_minute AS SELECT measure, unit, subject, time, n, sum, sum / n AS mean, least, most, first,
    last, sqrt(greatest(sum_squares / n - (sum / n) * (sum / n), 0)) AS deviation FROM {minutes};
CREATE OR REPLACE VIEW readings_hour AS SELECT measure, unit, subject, time, n, sum, sum / n AS mean, least, most, first,
    last, sqrt(greatest(sum_squares / n - (sum / n) * (sum / n), 0)) AS deviation FROM kept.readings_hour;
CREATE OR REPLACE VIEW readings_day AS SELECT measure, unit, subject, time, n, sum, sum / n AS mean, least, most, first,
    last, sqrt(greatest(sum_squares / n - (sum / n) * (sum / n), 0)) AS deviation FROM kept.readings_day;
CREATE OR REPLACE VIEW cases AS SELECT case_type, case_id, unit, status, channel, service, received_at, due_at, deadline_at,
    pauses, closed_at, updated_at, attributes FROM kept.cases;
CREATE OR REPLACE VIEW case_changes AS SELECT case_type, case_id, unit, status, channel, service, received_at, due_at,
    closed_at, updated_at, attributes, applied_at FROM kept.case_changes;
CREATE OR REPLACE VIEW alerts AS SELECT alert, rule, unit, severity, onset_at, fired_at, ended_at, value_at_firing,
    acknowledged_at, acknowledged_by FROM kept.alerts;
CREATE OR REPLACE VIEW incidents AS SELECT id, title, severity, opened_at, opened_by, assignee, closed_at, closing_reason,
    alerts FROM kept.incidents;
CREATE OR REPLACE VIEW units AS SELECT code, name COLLATE vi AS name, short_name COLLATE vi AS short_name, kind, level, parent,
    valid_from, valid_to, latitude, longitude FROM kept.units;
CREATE OR REPLACE VIEW former_units AS SELECT code, name COLLATE vi AS name, now FROM kept.former_units;
CREATE OR REPLACE VIEW kpis AS SELECT id, family, sector, sector_name COLLATE vi AS sector_name, name COLLATE vi AS name,
    name_en, unit_of_measure, unit_name, "window", direction, target, definition, basis, version FROM kept.kpis;
CREATE OR REPLACE VIEW measures AS SELECT id, name COLLATE vi AS name, name_en, sector, unit_of_measure, kind
    FROM kept.measures;
CREATE OR REPLACE VIEW sources AS SELECT source, kind, expected_every_s, last_success_at FROM kept.sources;
CREATE OR REPLACE VIEW ledger AS SELECT source, received, applied, duplicate, rejected, in_flight, fenced, replayed,
    last_input_at FROM kept.ledger;
CREATE OR REPLACE VIEW restatements AS SELECT kpi, unit, period, period_from, period_to, published_at, restated_at,
    value_before, value_after, samples_before, samples_after, cause FROM kept.restatements;
CREATE OR REPLACE VIEW calendar AS SELECT day, working, name COLLATE vi AS name FROM kept.calendar;
-- "thua thien" finds "Thừa Thiên", "dong" finds "Đông": lower case, without tones and accents.
CREATE OR REPLACE MACRO khong_dau(text) AS
    lower(strip_accents(replace(replace(nfc_normalize(text), 'đ', 'd'), 'Đ', 'D')));
