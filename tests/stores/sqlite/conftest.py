"""Fixtures of the tests of SQLite: a place for the file, drivers of it, and a plain connection to it."""

import sqlite3

import pytest

from tests.stores.harness import SQLiteGround


@pytest.fixture
def ground(tmp_path):
    return SQLiteGround(tmp_path)


@pytest.fixture
def driver(ground, form, drive):
    return drive(ground, form)


@pytest.fixture
def blocking(ground, drive):
    return drive(ground, "blocking")


@pytest.fixture
def raw(path):
    """What any other program could do with the file: a plain connection, made when it is first called."""
    connections = []

    def connect():
        if not connections:
            connections.append(sqlite3.connect(path, isolation_level=None, check_same_thread=False))
        return connections[0]

    yield connect
    for connection in connections:
        connection.close()
