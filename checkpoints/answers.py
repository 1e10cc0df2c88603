"""The LLM's answers and what they cost: the response cache is the ledger.

An answer and its cost are written in one transaction, the moment the answer arrives: a kill loses only the
calls that are in flight.
"""

from collections.abc import Mapping

from .database import Database, now, storable

Totals = tuple[int, int, int, int, float, float]
"""calls, prompt tokens, cached tokens among them, completion tokens, seconds, cost."""


class Answers:
    """All stored answers of a workspace. Runs share them; each run pays for its own calls."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def for_run(self, run: str) -> "RunAnswers":
        """The store that one run gives to its chat."""
        return RunAnswers(self._database, run)

    def count(self) -> int:
        """How many answers there are."""
        return int(self._database.execute("SELECT count(*) FROM answers")[0][0])


class RunAnswers:
    """The answers as one run sees them: reads everybody's, pays for its own. Any thread may use it."""

    def __init__(self, database: Database, run: str) -> None:
        self._database = database
        self._run = run

    def get(self, key: str) -> str | None:
        """The stored payload (JSON text), or None."""
        rows = self._database.execute("SELECT payload FROM answers WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else None

    def put(
        self,
        key: str,
        payload: str,
        *,
        model: str,
        stage: str,
        prompt_tokens: int,
        cached_tokens: int,
        completion_tokens: int,
        seconds: float,
        cost: float,
    ) -> None:
        """Store an answer and its cost. The first answer to a key stays; what was spent counts every time.

        Raises:
            StorageError: the disk is full, or the database cannot be written.
        """
        spent = (prompt_tokens, cached_tokens, completion_tokens, seconds, cost)
        created = now(precise=True)  # beside the moments of checkpoints
        with self._database.transaction():
            self._database.execute(
                "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?)",
                (key, self._run, model, stage, storable(payload), created),
            )
            self._database.execute(
                "INSERT INTO calls (run, stage, model, key, prompt_tokens, cached_tokens, completion_tokens, "
                "seconds, cost, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (self._run, stage, model, key, *spent, created),
            )
            self._database.execute(
                "INSERT INTO ledger VALUES (?, ?, 1, ?, ?, ?, ?, ?) ON CONFLICT (run, stage) DO UPDATE SET "
                "calls = calls + 1, prompt_tokens = prompt_tokens + excluded.prompt_tokens, "
                "cached_tokens = cached_tokens + excluded.cached_tokens, "
                "completion_tokens = completion_tokens + excluded.completion_tokens, "
                "seconds = seconds + excluded.seconds, cost = cost + excluded.cost",
                (self._run, stage, *spent),
            )

    def usage(self) -> Mapping[str, Totals]:
        """What this run paid, by stage."""
        rows = self._database.execute(
            "SELECT stage, calls, prompt_tokens, cached_tokens, completion_tokens, seconds, cost "
            "FROM ledger WHERE run = ? ORDER BY stage",
            (self._run,),
        )
        return {
            stage: (calls, p, cached, c, seconds, cost) for stage, calls, p, cached, c, seconds, cost in rows
        }
