"""Reserving units of an article by hand on PostgreSQL, as little as can be and as much as ours.

All have one row for the article, as one writes it: parting it by hand brings what it brings ours.

``BARE`` is the guarded update alone: nothing says afterwards who took what, and saying it twice
takes twice. The others write what ours writes, each in one statement, which is one round trip:
the balance, the reservation with its owner and expiry, and the posting with its document, once per
id. They differ in what is written when, which is how long a sought-after row stays locked.
"""

from __future__ import annotations

__all__ = ["BARE", "BY_HAND", "SCHEMA"]

SCHEMA = """
CREATE TABLE counters (sku text PRIMARY KEY, quantity bigint NOT NULL);
CREATE TABLE balances (
    sku text, location text, available bigint NOT NULL CHECK (available >= 0),
    reserved bigint NOT NULL CHECK (reserved >= 0), PRIMARY KEY (sku, location)
);
CREATE TABLE reservations (
    id text PRIMARY KEY, sku text NOT NULL, location text NOT NULL, units bigint NOT NULL,
    order_id text NOT NULL, expires_at timestamptz
);
CREATE INDEX ON reservations (order_id);
CREATE INDEX ON reservations (sku, expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE postings (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    written_by xid8 NOT NULL DEFAULT pg_current_xact_id(), id text NOT NULL UNIQUE,
    at timestamptz NOT NULL, order_id text NOT NULL, document json NOT NULL
);

-- The posting and the reservation first; the row that everybody wants last.
CREATE FUNCTION reserve(
    posting_id text, posting_at timestamptz, posting_order text, posting_document json,
    wanted_sku text, wanted_location text, wanted_units bigint, reservation text, until timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO postings (id, at, order_id, document)
    VALUES (posting_id, posting_at, posting_order, posting_document) ON CONFLICT (id) DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO reservations
    VALUES (reservation, wanted_sku, wanted_location, wanted_units, posting_order, until);
    UPDATE balances SET available = available - wanted_units, reserved = reserved + wanted_units
    WHERE sku = wanted_sku AND location = wanted_location AND available >= wanted_units;
    IF NOT FOUND THEN
        RAISE check_violation USING MESSAGE = 'short';
    END IF;
    RETURN true;
END $$;
"""

BARE = """UPDATE counters SET quantity = quantity - %(units)s
    WHERE sku = %(sku)s AND quantity >= %(units)s"""

BY_HAND = {
    # Postings known already take nothing; nothing else is written unless the units are there.
    "balance first": """
WITH taken AS (
    UPDATE balances SET available = available - %(units)s, reserved = reserved + %(units)s
    WHERE sku = %(sku)s AND location = %(location)s AND available >= %(units)s
        AND NOT EXISTS (SELECT FROM postings WHERE id = %(posting)s) RETURNING sku
), posted AS (
    INSERT INTO postings (id, at, order_id, document)
    SELECT %(posting)s, %(at)s, %(order)s, %(document)s FROM taken RETURNING id
), held AS (
    INSERT INTO reservations
    SELECT %(reservation)s, %(sku)s, %(location)s, %(units)s, %(order)s, %(until)s FROM posted
)
SELECT count(*) = 1 FROM posted
""",
    # A CHECK takes all back if the units are not there.
    "balance last": """
WITH posted AS (
    INSERT INTO postings (id, at, order_id, document)
    VALUES (%(posting)s, %(at)s, %(order)s, %(document)s) ON CONFLICT (id) DO NOTHING RETURNING id
), held AS (
    INSERT INTO reservations
    SELECT %(reservation)s, %(sku)s, %(location)s, %(units)s, %(order)s, %(until)s FROM posted
    RETURNING id
), taken AS (
    UPDATE balances SET available = available - %(units)s, reserved = reserved + %(units)s
    FROM held WHERE sku = %(sku)s AND location = %(location)s RETURNING sku
)
SELECT count(*) = 1 FROM taken
""",
    "function": """
SELECT reserve(%(posting)s, %(at)s, %(order)s, %(document)s, %(sku)s, %(location)s, %(units)s,
    %(reservation)s, %(until)s)
""",
}
