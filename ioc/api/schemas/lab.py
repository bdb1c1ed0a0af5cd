"""Answers of the lab as JSON: SQL, queries, saved queries and the dictionary of views."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

Words = dict[str, str]
"""A text by language, `vi` and `en`."""


class SnapshotTimeShape(TypedDict):
    """When the data were current; null while nothing is published."""

    taken_at: str | None


class TakenSnapshotShape(TypedDict):
    """A snapshot that was just taken; `path` is on the server."""

    taken_at: str
    size_bytes: int
    took_s: float
    path: str


class SnapshotTakenShape(TypedDict):
    """A new snapshot; `in_use` is true once queries run on it."""

    taken: TakenSnapshotShape
    in_use: bool


class PublishedSnapshotShape(TypedDict):
    """The snapshot that queries run on, and the raw copy it was made from."""

    taken_at: str
    age_s: float
    size_bytes: int
    published_in_s: float
    raw_size_bytes: int | None
    raw_took_s: float | None


class QueryLimitsShape(TypedDict):
    """Limits of one query: processor seconds, memory, rows and bytes of its result."""

    seconds: float
    memory_mb: int
    rows: int
    bytes: int


class QueryQueueShape(TypedDict):
    """Queries that run, and that wait."""

    running: int
    waiting: int


class QuackShape(TypedDict):
    """The address of DuckDB's own protocol."""

    address: str


class LabStateShape(TypedDict):
    """The state of the lab.

    `snapshot` is null until the first one is published. `version` is that of the dictionary. `quack` is null where
    DuckDB's own protocol is not served. `faults` are sentences.
    """

    snapshot: PublishedSnapshotShape | None
    limits: QueryLimitsShape
    queue: QueryQueueShape
    version: int
    quack: QuackShape | None
    faults: list[str]


class ColumnShape(TypedDict):
    """A column of a result and its DuckDB type."""

    name: str
    type: str


class QueryResultShape(TypedDict):
    """The rows of a query. `truncated`: the result has more rows than the limit."""

    columns: list[ColumnShape]
    row_count: int | None
    truncated: bool
    elapsed_ms: float
    snapshot: SnapshotTimeShape
    rows: list[list[Any]]


class QueryIdShape(TypedDict):
    """The id of a query that was submitted."""

    id: str


class SqlErrorShape(TypedDict):
    """DuckDB's message and the position in the SQL (from 1; null where unknown)."""

    message: str
    code: NotRequired[str]
    params: NotRequired[dict[str, Any]]
    nested: NotRequired[dict[str, Any]]
    line: int | None
    column: int | None


class QueryStateShape(TypedDict):
    """The state of a query.

    `ahead` is the number of queries before it in the queue; `progress` (0 to 1) is null unless it runs. `kind` says
    which limit or part ended a failed query, null otherwise.
    """

    id: str
    name: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    ahead: int
    elapsed_ms: float
    progress: float | None
    row_count: int | None
    columns: list[ColumnShape]
    truncated: bool
    error: SqlErrorShape | None
    kind: str | None
    snapshot: SnapshotTimeShape


class QueryRowsShape(TypedDict):
    """Rows of a result from `offset` on."""

    offset: int
    row_count: int | None
    rows: list[list[Any]]


class PublishedShape(TypedDict):
    """The snapshot in use after publishing."""

    snapshot: SnapshotTimeShape | None


class ViewColumnShape(TypedDict):
    """A column of a view; `type` is null until a snapshot is published."""

    name: str
    type: str | None
    comment: Words


class ViewShape(TypedDict):
    """A stable view with its columns."""

    name: str
    comment: Words
    columns: list[ViewColumnShape]


class DictionaryShape(TypedDict):
    """All views; `promise` says what stays the same within a version."""

    version: int
    views: list[ViewShape]
    promise: Words


class SqlCheckShape(TypedDict):
    """Whether SQL is a query that could be run, and the names of its parameters."""

    ok: bool
    parameters: list[str]
    error: SqlErrorShape | None


class SqlPlanShape(TypedDict):
    """DuckDB's plan of a query."""

    plan: Any


class ReadyQuestionShape(TypedDict):
    """A question to begin with. `parameters` are initial values; `chart` are settings of a chart or null."""

    id: str
    title: Words
    why: Words
    sql: str
    parameters: dict[str, str]
    chart: Any


class ReadyQuestionListShape(TypedDict):
    """Questions to begin with."""

    questions: list[ReadyQuestionShape]


class PastQueryShape(TypedDict):
    """A query that has ended."""

    at: str
    person: str
    name: str
    sql: str
    parameters: dict[str, Any]
    state: str
    elapsed_ms: float
    row_count: int | None
    error: str


class PastQueryListShape(TypedDict):
    """Queries that have ended, the latest first."""

    history: list[PastQueryShape]


class SavedQueryShape(TypedDict):
    """A version of a saved query. `chart` is kept exactly as the page sent it."""

    id: int
    name: str
    sql: str
    parameters: dict[str, Any]
    chart: Any
    tags: list[str]
    shared: bool
    owner: str
    version: int
    changed_at: str
    changed_by: str


class SavedQueryListShape(TypedDict):
    """Saved queries by name."""

    saved: list[SavedQueryShape]


class SavedQueryVersionsShape(TypedDict):
    """Versions of a saved query, the latest first."""

    versions: list[SavedQueryShape]
