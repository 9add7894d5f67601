"""What PostgreSQL runs by itself: a posting in one call, so that one round trip is all of it.

As a function rather than one long statement: accounts are found by their key, whatever the
planner believes of the table, and the lock on a sought-after account is held as briefly as can be.
"""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql

if TYPE_CHECKING:
    from orderwright.adapters.sqlalchemy.tables import Tables

__all__ = ["NOT_WRITTEN", "TURN_OF", "posting_call", "posting_functions"]

TURN_OF = "pg_advisory_xact_lock(hashtextextended({}, 0))"
"""The lock by the id of a posting, which comes before those of accounts."""

# Of an account b and a row r of what is posted: whether it is the row's, and has room for it.
_SAME = """b.sku = r.sku AND b.location = r.location AND b.bucket = r.bucket
                    AND b.reservation = r.reservation AND b.lot = r.lot"""
_ROOM = """(r.wanted IS NULL OR r.wanted <=
                    CASE WHEN r.least IS NULL THEN r.most - b.units ELSE b.units - r.least END)"""
_POST = Template("""
CREATE OR REPLACE FUNCTION $name(
    posting_id text, posting_at timestamptz, posting_order text, posting_document json,
    lapse_by timestamptz, rows json, lots json,
    OUT written bigint, OUT short json, OUT lapsing boolean
) LANGUAGE plpgsql SET enable_seqscan = off AS $$$$
DECLARE
    r record;
    have bigint;
    found_short json[];
    last_sku text;
    place integer := -1;
BEGIN
    lapsing := false;
    -- Who sends the same posting waits here, before it has locked anything else.
    PERFORM $lock;
    -- What is known locks nothing: whoever says it again must not wait for others, or they for it.
    PERFORM FROM $postings p WHERE p.id = posting_id;
    IF FOUND THEN
        RETURN;
    END IF;
    -- What is refused after something was written is undone as a whole: see EXCEPTION.
    BEGIN
        -- Everybody locks accounts in one order, that of the rows, so nobody waits in a circle.
        FOR r IN SELECT * FROM json_to_recordset(rows) AS x(
            sku text, location text, bucket text, reservation text, lot text,
            wanted bigint, least bigint, most bigint,
            units bigint, reserved bigint, floor bigint, order_id text, entry integer,
            expires_at timestamptz, expected_at timestamptz, priority bigint
        ) LOOP
            place := place + 1;
            IF r.sku IS DISTINCT FROM last_sku THEN
                last_sku := r.sku;
                PERFORM FROM $balances b WHERE b.sku = r.sku AND b.expires_at <= lapse_by
                ORDER BY b.expires_at LIMIT 1;
                IF FOUND THEN
                    lapsing := true;
                    RAISE EXCEPTION USING ERRCODE = 'OW001';
                END IF;
            END IF;
            -- Once something is short, it is only asked what else is.
            CONTINUE WHEN found_short IS NOT NULL AND r.wanted IS NULL;
            IF r.wanted IS NOT NULL AND r.least IS NULL THEN
                -- What is not there cannot be locked: the first claims to a SKU would all pass.
                INSERT INTO $balances
                    (sku, location, bucket, reservation, lot, units, reserved, floor)
                VALUES (r.sku, r.location, r.bucket, r.reservation, r.lot, 0, 0, r.floor)
                ON CONFLICT (sku, location, bucket, reservation, lot) DO NOTHING;
            END IF;
            IF r.reservation <> '' AND r.units < 0 AND found_short IS NULL THEN
                DELETE FROM $balances b WHERE $same AND b.units + r.units = 0 AND $room;
                CONTINUE WHEN FOUND;
            END IF;
            have := NULL;
            WHILE r.wanted IS NOT NULL OR r.units <= 0 LOOP
                IF found_short IS NULL THEN
                    UPDATE $balances b SET
                        units = b.units + r.units,
                        reserved = b.reserved + r.reserved,
                        order_id = coalesce(r.order_id, b.order_id),
                        expires_at = CASE WHEN r.order_id IS NOT NULL
                            THEN r.expires_at ELSE b.expires_at END,
                        expected_at = CASE WHEN r.priority IS NOT NULL
                            THEN r.expected_at ELSE b.expected_at END,
                        priority = coalesce(r.priority, b.priority)
                    WHERE $same AND $room RETURNING b.units INTO have;
                    EXIT WHEN FOUND OR r.wanted IS NULL;
                END IF;
                SELECT b.units INTO have FROM $balances b WHERE $same FOR UPDATE;
                IF (r.wanted > CASE WHEN r.least IS NULL
                    THEN r.most - coalesce(have, 0) ELSE coalesce(have, 0) - r.least END)
                THEN
                    found_short := array_append(
                        found_short, json_build_array(place, coalesce(have, 0))
                    );
                END IF;
                EXIT WHEN found_short IS NOT NULL OR have IS NULL;
                -- Somebody has just brought enough of it, and it is locked now.
            END LOOP;
            -- Who took the other part of it was not done yet when it was looked at.
            IF have = 0 AND r.reservation <> '' THEN
                DELETE FROM $balances b WHERE $same;
            END IF;
            CONTINUE WHEN found_short IS NOT NULL OR have IS NOT NULL
                OR (r.reservation <> '' AND r.units = 0);
            INSERT INTO $balances AS b (
                sku, location, bucket, reservation, lot, units, reserved, floor,
                order_id, posting, entry, expires_at, expected_at, priority
            ) VALUES (
                r.sku, r.location, r.bucket, r.reservation, r.lot, r.units, r.reserved, r.floor,
                r.order_id, CASE WHEN r.entry IS NOT NULL THEN posting_id END, r.entry,
                r.expires_at, r.expected_at, r.priority
            ) ON CONFLICT (sku, location, bucket, reservation, lot) DO UPDATE SET
                units = b.units + excluded.units,
                reserved = b.reserved + excluded.reserved,
                order_id = coalesce(excluded.order_id, b.order_id),
                expires_at = CASE WHEN excluded.order_id IS NOT NULL
                    THEN excluded.expires_at ELSE b.expires_at END,
                expected_at = CASE WHEN excluded.priority IS NOT NULL
                    THEN excluded.expected_at ELSE b.expected_at END,
                priority = coalesce(excluded.priority, b.priority);
        END LOOP;
        IF found_short IS NOT NULL THEN
            -- What others took while they were waited for may have expired: then it is free again.
            PERFORM FROM $balances b WHERE b.expires_at <= lapse_by
                AND b.sku IN (SELECT x.sku FROM json_to_recordset(rows) AS x(sku text))
            LIMIT 1;
            lapsing := FOUND;
            RAISE EXCEPTION USING ERRCODE = 'OW001';
        END IF;
        IF lots IS NOT NULL THEN
            INSERT INTO $lots (sku, lot, best_before)
            SELECT * FROM json_to_recordset(lots) AS x(sku text, lot text, best_before timestamptz)
            ON CONFLICT (sku, lot) DO UPDATE SET best_before = excluded.best_before;
        END IF;
        -- Numbered when all of it is locked: who has waited for another comes behind it.
        INSERT INTO $postings AS p (id, at, order_id, document)
        VALUES (posting_id, posting_at, posting_order, posting_document)
        ON CONFLICT (id) DO NOTHING RETURNING p.number INTO written;
        IF written IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'OW001';
        END IF;
    EXCEPTION WHEN SQLSTATE 'OW001' THEN
        written := NULL;
        short := array_to_json(found_short);
    END;
END $$$$
""")


_QUOTED = postgresql.dialect().identifier_preparer  # type: ignore[no-untyped-call]


NOT_WRITTEN = "OW002"
"""The code of the error of a statement that was only to write something with its posting."""
# As part of the statement that saves an order: what is not written undoes all of it.
_REQUIRED = Template("""
CREATE OR REPLACE FUNCTION $name(
    posting_id text, posting_at timestamptz, posting_order text, posting_document json,
    lapse_by timestamptz, rows json, lots json
) RETURNS bigint LANGUAGE plpgsql AS $$$$
DECLARE
    number bigint;
BEGIN
    SELECT written INTO number FROM $post(
        posting_id, posting_at, posting_order, posting_document, lapse_by, rows, lots
    );
    IF number IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '$code', MESSAGE = 'the posting was not written';
    END IF;
    RETURN number;
END $$$$
""")
_GIVEN = (
    *(":posting_id", ":posting_at", ":posting_order", "CAST(:posting_document AS json)"),
    *(":lapse_by", "CAST(:rows AS json)", "CAST(:lots AS json)"),
)


def posting_call(tables: Tables, *, required: bool = False) -> str:
    """Return the call of the function that writes a posting, raising if it is ``required``."""
    return f"{_name(tables, required=required)}({', '.join(_GIVEN)})"


def _name(tables: Tables, *, required: bool) -> str:
    """Return what the function is called, quoted where its name needs that."""
    name = _QUOTED.quote(f"{tables.prefix}{'post_required' if required else 'post'}")
    return f"{_QUOTED.quote(tables.schema)}.{name}" if tables.schema else name


def posting_functions(tables: Tables) -> tuple[str, ...]:
    """Return the statements that make, or replace, the functions that write a posting."""
    name = _name(tables, required=False)
    post = _POST.substitute(
        name=name,
        postings=_QUOTED.format_table(tables.postings),
        balances=_QUOTED.format_table(tables.balances),
        lots=_QUOTED.format_table(tables.lots),
        lock=TURN_OF.format("posting_id"),
        same=_SAME,
        room=_ROOM,
    )
    must = _REQUIRED.substitute(name=_name(tables, required=True), post=name, code=NOT_WRITTEN)
    return post, must
