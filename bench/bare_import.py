"""The peer of the import: json.loads of each line, then COPY (or executemany on SQLite) of the same rows.

python -m bench.bare_import FILE DATABASE_URL. Nothing is folded, looked up, counted or told. The database holds one
imported query; what its row and that of its sighting have beside text, answer and hashes, all rows have.
"""

import hashlib
import json
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Rows = Iterable[Sequence[Any]]
Insert = Callable[[str, Sequence[str], Rows], None]


def import_bare(path: Path, insert: Insert, query: Row, sighting: Row) -> None:
    """One row of each table for each line."""
    seen: list[tuple[int, int, str]] = []

    def queries() -> Iterator[Sequence[Any]]:
        changing = dict(query)
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                record = json.loads(line)
                text, response = record["instruction"], record["response"]
                key = int(query["id"]) + number
                changing |= {"id": key, "text": text, "response": response, "text_hash": _hash(text)}
                seen.append((key, number, _hash(response)))
                yield tuple(changing.values())

    insert("curation_query", list(query), queries())
    rest = {name: value for name, value in sighting.items() if name not in ("id", "query_id", "line", "response_hash")}
    constants = tuple(rest.values())
    rows = ((key, number + 1, hashed, *constants) for key, number, hashed in seen)
    insert("curation_sighting", ["query_id", "line", "response_hash", *rest], rows)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def into_sqlite(path: Path, file: str) -> None:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.row_factory = sqlite3.Row

    def example(table: str) -> Row:
        # Without the columns that the database computes.
        names = [column["name"] for column in connection.execute(f"PRAGMA table_info({table})")]
        return dict(connection.execute(f"SELECT {', '.join(names)} FROM {table}").fetchone())  # noqa: S608

    def insert(table: str, names: Sequence[str], rows: Rows) -> None:
        places = ", ".join("?" * len(names))
        connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", rows)  # noqa: S608

    with connection:
        import_bare(path, insert, example("curation_query"), example("curation_sighting"))
    connection.close()


def into_postgresql(path: Path, url: str) -> None:
    import psycopg

    named = "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_generated = 'NEVER'"
    with psycopg.connect(url) as connection, connection.cursor() as cursor:

        def example(table: str) -> Row:
            names = [name for (name,) in cursor.execute(named, [table])]
            values = cursor.execute(f"SELECT {', '.join(f'{name}::text' for name in names)} FROM {table}").fetchone()  # noqa: S608
            return dict(zip(names, values or (), strict=True))

        def insert(table: str, names: Sequence[str], rows: Rows) -> None:
            with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)

        import_bare(path, insert, example("curation_query"), example("curation_sighting"))


if __name__ == "__main__":
    given, database = Path(sys.argv[1]), sys.argv[2]
    if database.startswith("sqlite:///"):
        into_sqlite(given, database.removeprefix("sqlite:///"))
    else:
        into_postgresql(given, database)
