-- What a Quack server process authorises: one reading statement, and none of the functions that steer the server.
-- json_serialize_sql parses as DuckDB itself does and knows SELECT, FROM, WITH, VALUES, TABLE, DESCRIBE, SHOW and
-- SUMMARIZE only. BEGIN and its ends come of the client by itself; the database is read-only in any case.
-- `query` and `query_table` are refused since what they run is written in a text.
CREATE MACRO guard.main.only_reads(sid, query) AS (
    lower(trim(query, e' \n\t;')) IN ('begin', 'begin transaction', 'commit', 'rollback')
    OR (
        SELECT coalesce(
            tree ->> 'error' = 'false'
            AND json_array_length(tree -> 'statements') = 1
            AND len(list_filter(
                json_extract_string(tree, '$..function_name'),
                lambda name: regexp_matches(
                    lower(name),
                    '^(quack_.*|query|query_table|.*_logging|truncate_duckdb_logs|write_log|.*checkpoint)$'
                )
            )) = 0,
            false)
        FROM (SELECT json_serialize_sql(query::VARCHAR)::JSON AS tree)
    )
);
