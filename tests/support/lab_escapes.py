"""Tries to get out of the lab by SQL: files, network, settings, the process itself, and more than one's share of it.

`{secret}` is a file with SECRET_TEXT that the lab's user could read, `{target}` one that must not come to be,
`{archive}` a folder that queries may read from, `{link}` a link in a folder of the lab that leads to `{secret}`,
`{store}` and `{people}` the centre's own. `expects`: `refused` (an error, at once), `bounded` (an error or a short
result, within the limits).
"""

from dataclasses import dataclass

SECRET_TEXT = "the-lab-must-not-read-this"


@dataclass(frozen=True)
class Escape:
    """An SQL statement and its expected outcome."""

    id: str
    sql: str
    expects: str = "refused"


def _refused(*tries: tuple[str, str]) -> tuple[Escape, ...]:
    return tuple(Escape(name, sql) for name, sql in tries)


def _bounded(*tries: tuple[str, str]) -> tuple[Escape, ...]:
    return tuple(Escape(name, sql, "bounded") for name, sql in tries)


ESCAPES: tuple[Escape, ...] = (
    *_refused(
        ("read-csv", "SELECT * FROM read_csv('{secret}')"),
        ("read-csv-auto", "SELECT * FROM read_csv_auto('{secret}')"),
        ("read-text", "SELECT content FROM read_text('{secret}')"),
        ("read-blob", "SELECT content FROM read_blob('{secret}')"),
        ("read-json", "SELECT * FROM read_json('{secret}')"),
        ("read-ndjson", "SELECT * FROM read_ndjson_objects('{secret}')"),
        ("read-parquet-elsewhere", "SELECT * FROM read_parquet('/tmp/*.parquet')"),
        ("parquet-metadata", "SELECT * FROM parquet_metadata('{archive}/x.parquet')"),
        ("parquet-scan-in-a-folder-that-is-open", "SELECT * FROM parquet_scan('{archive}/*.parquet')"),
        ("sniff-csv", "SELECT * FROM sniff_csv('{secret}')"),
        ("glob", "SELECT * FROM glob('/etc/*')"),
        ("glob-of-what-is-open", "SELECT * FROM glob('{archive}/*')"),
        ("file-as-table", "SELECT * FROM '{secret}'"),
        ("file-as-table-quoted", 'SELECT * FROM "{secret}"'),
        ("csv-as-table", "FROM '/etc/passwd.csv'"),
        ("parquet-as-table", "FROM '/tmp/x.parquet'"),
        ("read-through-a-link", "SELECT * FROM read_text('{link}')"),
        ("link-as-table", "SELECT * FROM '{link}'"),
        ("process-environment", "SELECT * FROM read_text('/proc/self/environ')"),
        ("process-memory", "SELECT * FROM read_blob('/proc/self/maps')"),
        ("stdin", "SELECT * FROM read_csv('/dev/stdin')"),
        ("copy-to-file", "COPY (SELECT 1) TO '{target}'"),
        ("copy-to-open-folder", "COPY (SELECT 1) TO '{archive}/x.parquet' (FORMAT parquet)"),
        ("copy-to-pipe", "COPY (SELECT 1) TO '/dev/stdout'"),
        ("copy-from", "COPY cases FROM '{secret}'"),
        ("copy-database", "COPY FROM DATABASE lab TO memory"),
        ("export-database", "EXPORT DATABASE '{target}'"),
        ("import-database", "IMPORT DATABASE '/tmp'"),
        ("attach-file", "ATTACH '{target}' AS other"),
        ("attach-store", "ATTACH '{store}' AS raw (READ_ONLY)"),
        ("attach-memory", "ATTACH ':memory:' AS m"),
        ("attach-http", "ATTACH 'https://example.org/x.duckdb' AS h"),
        ("detach", "DETACH lab"),
        ("use", "USE system"),
        ("install", "INSTALL httpfs"),
        ("install-from", "INSTALL spatial FROM 'http://localhost:1/'"),
        ("force-install", "FORCE INSTALL httpfs"),
        ("load", "LOAD httpfs"),
        ("load-path", "LOAD '{target}'"),
        ("update-extensions", "UPDATE EXTENSIONS"),
        ("set-external", "SET enable_external_access = true"),
        ("set-global", "SET GLOBAL lock_configuration = false"),
        ("set-session-memory", "SET SESSION memory_limit = '64GB'"),
        ("reset", "RESET memory_limit"),
        ("set-variable", "SET VARIABLE x = 1"),
        ("set-directory", "SET temp_directory = '/tmp'"),
        ("set-log", "SET logging_storage = 'file'"),
        ("pragma", "PRAGMA enable_profiling"),
        ("pragma-output", "PRAGMA profiling_output = '{target}'"),
        ("pragma-database-list", "PRAGMA database_list"),
        ("call-settings", "CALL duckdb_settings()"),
        ("call-logging", "CALL enable_logging('QueryLog')"),
        ("checkpoint", "CHECKPOINT"),
        ("force-checkpoint", "CALL force_checkpoint()"),
        ("settings-table", "SELECT * FROM duckdb_settings()"),
        ("secrets-table", "SELECT * FROM duckdb_secrets()"),
        ("databases-table", "SELECT path FROM duckdb_databases()"),
        ("temporary-files", "SELECT * FROM duckdb_temporary_files()"),
        ("logs-table", "SELECT * FROM duckdb_logs"),
        ("internal-table", "SELECT * FROM kept.cases"),
        ("internal-table-with-database", "SELECT * FROM lab.kept.days"),
        ("create-secret", "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')"),
        ("create-table", "CREATE TABLE x AS SELECT 1"),
        ("create-temp-table", "CREATE TEMP TABLE x AS SELECT 1"),
        ("create-view", "CREATE VIEW x AS SELECT 1"),
        ("create-macro", "CREATE MACRO f(p) AS TABLE SELECT * FROM read_text(p)"),
        ("create-function", "CREATE FUNCTION f(p) AS (SELECT p)"),
        ("create-type", "CREATE TYPE t AS ENUM ('a')"),
        ("insert", "INSERT INTO cases SELECT * FROM cases"),
        ("insert-returning", "INSERT INTO units VALUES ('x') RETURNING *"),
        ("update", "UPDATE kept.cases SET unit = 'x'"),
        ("delete", "DELETE FROM kept.cases"),
        ("truncate", "TRUNCATE kept.cases"),
        ("drop-view", "DROP VIEW cases"),
        ("alter", "ALTER TABLE kept.cases ADD COLUMN x INTEGER"),
        ("comment", "COMMENT ON VIEW cases IS 'x'"),
        ("merge", "MERGE INTO kept.units USING units ON false WHEN NOT MATCHED THEN INSERT"),
        ("vacuum", "VACUUM"),
        ("begin", "BEGIN"),
        ("prepare", "PREPARE p AS SELECT 1"),
        ("execute", "EXECUTE p"),
        ("two-statements", "SELECT 1; COPY (SELECT 1) TO '{target}'"),
        ("explain-copy", "EXPLAIN ANALYZE COPY (SELECT 1) TO '{target}'"),
        ("explain-create", "EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1"),
        ("explain-options-copy", "EXPLAIN (ANALYZE) COPY (SELECT 1) TO '{target}'"),
        ("with-insert", "WITH x AS (INSERT INTO kept.units VALUES ('x') RETURNING *) SELECT * FROM x"),
        ("query-function", "FROM query('SELECT * FROM read_text(''{secret}'')')"),
        ("query-table-function", "FROM query_table('{secret}')"),
        ("query-in-a-subquery", "SELECT (SELECT count(*) FROM query('SELECT 1')) AS n"),
        ("hidden-in-a-cte", "WITH t AS (SELECT * FROM read_text('{secret}')) SELECT * FROM t"),
        ("hidden-in-a-where", "SELECT 1 WHERE EXISTS (SELECT * FROM read_text('{secret}'))"),
        ("hidden-in-a-lateral", "SELECT * FROM (VALUES ('{secret}')) v(p), LATERAL (SELECT * FROM read_text(v.p))"),
        ("hidden-behind-a-comment", "/* SELECT 1 */ COPY (SELECT 1) TO '{target}' -- SELECT"),
        ("serialised-sql", "SELECT * FROM json_execute_serialized_sql('{{}}')"),
        ("python-variable", "SELECT * FROM settings"),
        ("getenv", "SELECT getenv('HOME')"),
        ("http-file", "SELECT * FROM read_csv('http://127.0.0.1:1/x.csv')"),
        ("https-as-table", "FROM 'https://example.org/x.parquet'"),
        ("s3", "SELECT * FROM read_parquet('s3://bucket/x.parquet')"),
        ("http-get", "SELECT http_get('http://127.0.0.1:1')"),
        ("postgres-scan", "SELECT * FROM postgres_scan('host=127.0.0.1', 'public', 'x')"),
        ("sqlite-scan", "SELECT * FROM sqlite_scan('{people}', 'people')"),
        ("arrow-scan", "SELECT * FROM arrow_scan(0, 0, 0)"),
        ("python-map", "SELECT * FROM python_map_function(1)"),
        ("write-log", "SELECT write_log('x')"),
        ("nul-character", "SELECT '\0' || (SELECT content FROM read_text('{secret}'))"),
        ("very-long", "SELECT " + "1+" * 60_000 + "1"),
    ),
    *_bounded(
        ("deeply-nested", "SELECT " + "(" * 5_000 + "1" + ")" * 5_000),
        ("huge-string", "SELECT repeat('x', 2000000000)"),
        ("huge-list", "SELECT list(range) FROM range(1000000000)"),
        ("huge-aggregate", "SELECT string_agg(repeat('x', 1000000), '') FROM range(100000)"),
        ("huge-sort-to-disk", "SELECT * FROM range(2000000000) t(a) ORDER BY hash(a)"),
        ("huge-hash-table", "SELECT a, count(*) FROM range(2000000000) t(a) GROUP BY a"),
        ("cross-join", "SELECT count(*) FROM range(100000) a, range(100000) b WHERE hash(a, b) = 1"),
        ("endless-recursion", "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n FROM t) SELECT count(*) FROM t"),
        ("growing-recursion",
         "WITH RECURSIVE t(s) AS (SELECT 'x' UNION ALL SELECT s||s FROM t) SELECT any_value(s) FROM t"),
        ("million-row-regex",
         "SELECT count(*) FROM range(20000000) t(a) WHERE repeat('a', 200) || a SIMILAR TO '(a*)*b'"),
        ("result-bomb", "SELECT a, repeat('x', 100000) FROM range(1000000000) t(a)"),
        ("row-bomb", "SELECT * FROM range(100000000000)"),
        ("column-bomb", "SELECT " + ", ".join(f"a AS c{n}" for n in range(3000)) + " FROM range(1000000) t(a)"),
        ("nested-list-bomb", "SELECT [range(10000000) FOR x IN range(1000)]"),
        ("printf-width", "SELECT printf('%2000000000d', 1)"),
        ("lpad-bomb", "SELECT lpad('x', 2000000000, 'y')"),
        ("json-bomb", "SELECT json_group_array(a) FROM range(500000000) t(a)"),
        ("bignum-bomb", "SELECT product(a) FROM range(1, 1000000000) t(a)"),
        ("levenshtein-bomb", "SELECT levenshtein(repeat('a', 100000), repeat('b', 100000)) FROM range(1000)"),
    ),
)  # fmt: skip
