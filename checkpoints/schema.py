"""The tables of ``workspace.sqlite``, all of them, at one glance."""

SCHEMA_VERSION = 2
"""Stored in ``meta``; a workspace of a higher one is refused. Since 2 a corpus can be a beginning of `documents`."""

SCHEMA = (
    # Facts about the workspace: schema_version, and the corpus once it is loaded as a whole.
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    # The corpus. `number` is the position from 0, `id` the user's own.
    """CREATE TABLE IF NOT EXISTS documents (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL, text TEXT NOT NULL, hash TEXT NOT NULL)""",
    # The first document of each distinct text that is not blank, in order: what samples are drawn from.
    "CREATE TABLE IF NOT EXISTS distinct_documents (position INTEGER PRIMARY KEY, number INTEGER NOT NULL)",
    # What a run that goes on from another reads instead of a drawn sample, by what each document is for.
    """CREATE TABLE IF NOT EXISTS run_documents (
        run TEXT NOT NULL, part TEXT NOT NULL, number INTEGER NOT NULL, value REAL NOT NULL,
        PRIMARY KEY (run, part, number)) WITHOUT ROWID""",
    # LLM responses by the hash of all that they depend on. `run` paid for it.
    """CREATE TABLE IF NOT EXISTS answers (
        key TEXT PRIMARY KEY, run TEXT NOT NULL, model TEXT NOT NULL, stage TEXT NOT NULL,
        payload TEXT NOT NULL, created TEXT NOT NULL) WITHOUT ROWID""",
    # One row for each call that was paid, also where two processes paid for the same key.
    """CREATE TABLE IF NOT EXISTS calls (
        id INTEGER PRIMARY KEY, run TEXT NOT NULL, stage TEXT NOT NULL, model TEXT NOT NULL,
        key TEXT NOT NULL, prompt_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL, seconds REAL NOT NULL, cost REAL NOT NULL,
        created TEXT NOT NULL)""",
    # The sums of `calls`, kept with it in one transaction: the budget is looked at before every call.
    """CREATE TABLE IF NOT EXISTS ledger (
        run TEXT NOT NULL, stage TEXT NOT NULL, calls INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL,
        cached_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, seconds REAL NOT NULL,
        cost REAL NOT NULL, PRIMARY KEY (run, stage)) WITHOUT ROWID""",
    # What each text is about for a purpose (use case, prompt version, model); a summary of long ones.
    """CREATE TABLE IF NOT EXISTS phrases (
        purpose TEXT NOT NULL, number INTEGER NOT NULL, phrase TEXT NOT NULL, summary TEXT,
        PRIMARY KEY (purpose, number)) WITHOUT ROWID""",
    # The labeler's raw answers by taxonomy version and way of asking.
    """CREATE TABLE IF NOT EXISTS votes (
        version TEXT NOT NULL, ask TEXT NOT NULL, number INTEGER NOT NULL, answer TEXT NOT NULL,
        PRIMARY KEY (version, ask, number)) WITHOUT ROWID""",
    # Settled labels. No primary_id means undefined; all_ids is a JSON array.
    """CREATE TABLE IF NOT EXISTS labels (
        run TEXT NOT NULL, version TEXT NOT NULL, number INTEGER NOT NULL, primary_id TEXT,
        all_ids TEXT NOT NULL, confidence REAL NOT NULL, source TEXT NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (run, version, number)) WITHOUT ROWID""",
    # Documents chosen to be labelled by the LLM, by whatever the choice depends on.
    """CREATE TABLE IF NOT EXISTS label_samples (
        recipe TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (recipe, number)) WITHOUT ROWID""",
    # Documents that a round of active learning added to them.
    """CREATE TABLE IF NOT EXISTS rounds (
        run TEXT NOT NULL, number INTEGER NOT NULL, round INTEGER NOT NULL,
        PRIMARY KEY (run, number)) WITHOUT ROWID""",
    # Labels that looked wrong and what became of them; `label` and `evidence` are JSON.
    """CREATE TABLE IF NOT EXISTS checks (
        run TEXT NOT NULL, version TEXT NOT NULL, number INTEGER NOT NULL, verdict TEXT NOT NULL,
        label TEXT NOT NULL, evidence TEXT NOT NULL, PRIMARY KEY (run, version, number)) WITHOUT ROWID""",
    # What went wrong with one document, or, without a number, with one step of a stage.
    """CREATE TABLE IF NOT EXISTS failures (
        id INTEGER PRIMARY KEY, run TEXT NOT NULL, stage TEXT NOT NULL, number INTEGER, error TEXT NOT NULL,
        raw TEXT NOT NULL, created TEXT NOT NULL)""",
    """CREATE UNIQUE INDEX IF NOT EXISTS failures_once ON failures (
        run, stage, ifnull(number, -1), CASE WHEN number IS NULL THEN error ELSE '' END)""",
    # Taxonomy versions. One body however many runs share it: a fork begins with its parent's versions.
    """CREATE TABLE IF NOT EXISTS versions (
        id TEXT PRIMARY KEY, parent TEXT REFERENCES versions (id), body TEXT NOT NULL,
        created TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS run_versions (
        id INTEGER PRIMARY KEY, run TEXT NOT NULL, version TEXT NOT NULL REFERENCES versions (id),
        UNIQUE (run, version))""",
    # Runs with their settings (JSON): LangGraph does not keep its context.
    """CREATE TABLE IF NOT EXISTS runs (
        name TEXT PRIMARY KEY, thread_id TEXT NOT NULL UNIQUE, settings TEXT NOT NULL,
        graph_version INTEGER NOT NULL, status TEXT NOT NULL, parent TEXT,
        created TEXT NOT NULL, note TEXT NOT NULL)""",
    # Who is working on a run. `expires` and `since` are seconds since 1970.
    """CREATE TABLE IF NOT EXISTS leases (
        run TEXT PRIMARY KEY, token TEXT NOT NULL, host TEXT NOT NULL, machine TEXT NOT NULL,
        pid INTEGER NOT NULL, started TEXT NOT NULL, since REAL NOT NULL, expires REAL NOT NULL)""",
)
