/** DuckDB's words (1.5), as far as a query that only reads has use of them. */

import { SQLDialect } from '@codemirror/lang-sql'

export const KEYWORDS = [
  'select from where group by having order limit offset distinct all as with recursive union intersect except',
  'join left right full inner outer cross lateral natural asof semi anti positional on using and or not in is',
  'null like ilike similar to glob between exists case when then else end cast try_cast asc desc nulls first last',
  'over partition rows range groups preceding following unbounded current row exclude ties window filter within',
  'qualify sample tablesample values unnest pivot unpivot include replace columns interval true false collate any',
  'some escape at time zone describe summarize show explain analyze rename ordinality',
].join(' ')
export const TYPES = [
  'boolean tinyint smallint integer int bigint hugeint utinyint usmallint uinteger ubigint float double decimal',
  'numeric varchar text char blob date time timestamp timestamptz interval uuid map struct list json',
].join(' ')
export const FUNCTIONS = [
  'abs any_value approx_count_distinct approx_quantile arg_max arg_min avg bool_and bool_or ceil coalesce concat',
  'concat_ws contains corr count count_if count_star date_add date_diff date_part date_trunc datediff day dayname',
  'dayofweek dayofyear dense_rank element_at ends_with epoch epoch_ms exp extract first_value floor format',
  'generate_series geomean greatest hour if ifnull isfinite isnan isodow isoyear lag last_day last_value lead',
  'least left len length list list_aggregate ln log log10 lower lpad ltrim mad make_date make_timestamp',
  'map_contains map_extract map_keys map_values max max_by mean median min min_by minute mode month monthname now',
  'ntile nullif percent_rank power printf product quantile_cont quantile_disc quarter range rank regexp_extract',
  'regexp_matches regexp_replace regr_intercept regr_r2 regr_slope repeat replace reverse right round row_number',
  'rpad rtrim second sign split_part sqrt starts_with stddev stddev_pop strftime string_agg string_split',
  'strip_accents strptime substring sum time_bucket today trim trunc try_strptime typeof unnest upper var_pop',
  'variance week weekofyear width_bucket year yearweek',
].join(' ')

export const duckdb = SQLDialect.define({
  keywords: KEYWORDS,
  types: TYPES,
  builtin: FUNCTIONS,
  operatorChars: '*+-%<>!=&|^/~@',
  specialVar: '$',
  identifierQuotes: '"',
  caseInsensitiveIdentifiers: true,
})
