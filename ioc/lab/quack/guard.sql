-- What a Quack server process runs of what a client asks: the text to be run, or NULL, which refuses it.
--
-- Asked may be one reading statement: json_serialize_sql parses as DuckDB itself does, and knows SELECT, FROM, WITH,
-- VALUES, TABLE, DESCRIBE, SHOW and SUMMARIZE only. Of its tree, tables must be the stable views (not what lies beneath
-- them, schema `kept`), table functions those that make rows of nothing; functions that run a text, or tell of the
-- process, are refused by name. BEGIN and its ends come of the client by itself; the database is read-only in any case.
--
-- The two questions that ATTACH asks are answered with the views alone.
CREATE MACRO guard.main.is_open(tree) AS (
    tree::JSON ->> 'error' = 'false'
    AND json_array_length(tree::JSON -> 'statements') = 1
    AND len(list_filter(
        json_extract_string(tree::JSON, '$..schema_name'), lambda name: lower(name) NOT IN ('', 'main'))) = 0
    AND len(list_filter(
        json_extract_string(tree::JSON, '$..catalog_name'), lambda name: lower(name) NOT IN ('', 'lab'))) = 0
    AND len(list_filter(
        json_extract_string(tree::JSON, '$..table_name'),
        lambda name: regexp_matches(lower(name), '^(duckdb_.*|sqlite_.*|pg_.*|pragma_.*)$'))) = 0
    AND len(list_filter(
        json_extract_string(tree::JSON, '$..function.function_name'),
        lambda name: lower(name) NOT IN (
            'range', 'generate_series', 'unnest', 'repeat', 'repeat_row', 'json_each', 'json_tree', 'summary',
            'duckdb_columns', 'duckdb_views', 'duckdb_functions', 'duckdb_keywords', 'duckdb_types',
            'pragma_table_info'))) = 0
    AND len(list_filter(
        json_extract_string(tree::JSON, '$..function_name'),
        lambda name: regexp_matches(
            lower(name),
            '^(quack_.*|query|query_table|getenv|getvariable|read_text|read_blob|.*json_serialized_sql'
            || '|json_execute_serialized_sql|.*_logging|truncate_duckdb_logs|write_log|parse_duckdb_log_message'
            || '|nextval|currval|current_setting|pg_read.*|duckdb_secret.*|in_search_path|sleep_ms|.*checkpoint)$'))) = 0
);
CREATE MACRO guard.main.what_runs(sid, query) AS (
    CASE
        WHEN trim(query, e' \n\t;') = e'SELECT catalog_name, schema_name\nFROM information_schema.schemata\n'
            || e'WHERE catalog_name NOT IN (\'system\', \'temp\')\nORDER BY ALL'
        THEN 'SELECT ''lab'' AS catalog_name, ''main'' AS schema_name'
        WHEN trim(query, e' \n\t;') = e'SELECT schema_name, sql, \'table\'\nFROM duckdb_tables()\nUNION ALL\n'
            || e'SELECT schema_name, view_name, \'view\'\nFROM duckdb_views()'
        THEN 'SELECT schema_name, view_name, ''view'' FROM duckdb_views() '
            || 'WHERE database_name = ''lab'' AND schema_name = ''main'' AND NOT internal'
        WHEN lower(trim(query, e' \n\t;')) IN ('begin', 'begin transaction', 'commit', 'rollback') THEN query
        WHEN coalesce(guard.main.is_open(json_serialize_sql(query::VARCHAR)::JSON), false) THEN query
    END
);
