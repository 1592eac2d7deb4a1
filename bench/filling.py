"""Fill the database of this environment with a pool as large as a real one: python -m bench.filling [--help].

Rows are written as imports write them, block by block, with a fixed seed: the same sizes give the same rows.
"""

import argparse
import json
import os
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the pool is. Of the queries so many are kept; dialogues have six turns each; `scored` are further
    queries that both judges have rated and no rule has decided."""

    queries: int = 287_000
    kept: int = 156_000
    dialogues: int = 0
    scored: int = 0

    def arguments(self) -> list[str]:
        """As the command takes them."""
        return [part for name, value in asdict(self).items() for part in (f"--{name}", str(value))]


def main() -> None:
    """Fill the database, and say how many rows it holds then."""
    parser = argparse.ArgumentParser("bench.filling", description="Fill a database with a made pool.")
    for field in fields(Sizes):
        parser.add_argument(f"--{field.name}", type=int, default=field.default)
    sizes = Sizes(**vars(parser.parse_args()))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from bench.made_dialogues import fill_dialogues
    from bench.made_queries import fill_queries

    counts: dict[str, Any] = fill_queries(sizes.queries, kept=sizes.kept, scored=sizes.scored)
    counts["dialogues"] = fill_dialogues(sizes.dialogues)
    tidy()
    print(json.dumps(counts))


def tidy() -> None:
    """What a site does by itself once it has time: statistics, folded counts, and PostgreSQL's map of what all
    may see."""
    from django.db import connection

    from curation.models.counts import KEPT_COUNTS
    from web.kept_counts import fold
    from web.planning import renew_statistics

    renew_statistics()
    for counts in KEPT_COUNTS:
        fold(counts)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


if __name__ == "__main__":
    main()
