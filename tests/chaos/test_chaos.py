"""Workers on a real PostgreSQL, while workers, server and provider are killed: all agrees after."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.chaos.audit import Audit
from tests.chaos.provider import lines_of
from tests.chaos.storm import Storm, Weather

SHORT = Weather(
    seed=1,
    workers=4,
    worker_kills=12,
    server_kills=1,
    provider_kills=1,
    answers=60,
    seconds=60.0,
    between_server_kills=(1.5, 2.5),
)
"""For every change; `nox -s chaos` weathers the long one."""


@pytest.fixture(scope="module")
def weathered() -> Iterator[tuple[Storm, Audit]]:
    """A short storm, and what it left."""
    storm = Storm(SHORT)
    with storm.run() as audit:
        yield storm, audit


def test_nothing_is_lost_when_everything_is_killed(weathered: tuple[Storm, Audit]) -> None:
    """The books, the ledger, the orders and what was acknowledged agree exactly; nothing is due."""
    storm, audit = weathered
    audit.check()
    assert "" == storm.short


def test_the_audit_sees_what_does_not_agree(weathered: tuple[Storm, Audit]) -> None:
    """A movement that no order knows, one that was lost, a reply that never was: each is found."""
    _, audit = weathered
    pages = audit.books.read_bytes()
    last = next(one for one in reversed(lines_of(audit.books)) if b'"succeeded"' in one)
    for forged in (pages + last, pages.replace(last, b"")):
        audit.books.write_bytes(forged)
        with pytest.raises(AssertionError):
            replace(audit).check_books()
    audit.books.write_bytes(pages)
    answer = next(one for one in audit.journal.answered if one.digest)
    for wrong in (answer._replace(digest="0"), answer._replace(version=answer.version + 99)):
        audit.journal.answered.append(wrong)
        with pytest.raises(AssertionError):
            audit.check_answers()
        audit.journal.answered.pop()
    audit.check()


@pytest.mark.long
def test_a_server_that_answers_before_it_has_written_is_found() -> None:
    """The same storm on a server that may forget what it has just told: the audit sees it."""
    storm = Storm(replace(SHORT, server_kills=4, synchronous=False))
    with pytest.raises(AssertionError), storm.run() as audit:
        audit.check()
    assert "" == storm.short
