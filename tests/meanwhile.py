"""What another person, or another process, does in the middle of a request."""

from contextlib import contextmanager

from django.db import connection


@contextmanager
def just_before(statement, act):
    """Does something once, before the first statement to the database that holds these words."""
    waiting = [act]

    def look(execute, sql, *others):
        if statement in sql and waiting:
            waiting.pop()()
        return execute(sql, *others)

    with connection.execute_wrapper(look):
        yield
    assert not waiting, f"no statement held {statement}"
