"""What PostgreSQL runs by itself: a posting in one call, so that one round trip is all of it.

As a function rather than one long statement: accounts are found by their key, whatever the
planner believes of the table, and the lock on a sought-after account is held as briefly as can be.

What is available of an article is one row until somebody has to wait for it. Then half of its
units go to a row beside it, another ``part`` of the account, and the next ones need not wait until
a commit is flushed: units are taken from a part that nobody has locked and that has enough. Where
there is none, part 0 is waited for. If that has not enough, all parts become one row again, so that
it is known to the unit what there is. Four rules keep that exact, and free of circles:

- Of several parts none is ever below zero, so what one of them can spare, all together can.
- Parts come and go only under the lock of part 0: who holds it and looks anew sees all of them.
- Nobody waits for part 0 of an account while holding another part of it: who finds no part undoes
  what it wrote, and begins anew with part 0 of every account.
- Who posts several times in a transaction locks an account with all its parts before the next one.
"""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql

if TYPE_CHECKING:
    from orderwright.adapters.sqlalchemy.tables import Tables

__all__ = ["NOT_WRITTEN", "TURN_OF", "holding_call", "posting_call", "posting_functions"]

TURN_OF = "pg_advisory_xact_lock(hashtextextended({}, 0))"
"""The lock by the id of a posting, which comes before those of accounts."""

# Conditions on a row b of balances and a row r of what is posted: b is of r's account; it is the
# first part, as a rule the only one; it has room; it has, and is not below zero afterwards.
_ACCOUNT = """b.sku = r.sku AND b.location = r.location AND b.bucket = r.bucket
                    AND b.reservation = r.reservation AND b.lot = r.lot"""
_FIRST_PART = f"{_ACCOUNT} AND b.part = 0"
_ROOM = """(r.wanted IS NULL OR r.wanted <=
                    CASE WHEN r.least IS NULL THEN r.most - b.units ELSE b.units - r.least END)"""
_SPARED = f"{_ROOM} AND (r.units = 0 OR b.units + r.units >= 0)"
# What r makes of b: whose it is, and until when, is said by the last that brings some of it.
_MOVED = """units = b.units + r.units, reserved = b.reserved + r.reserved,
                    order_id = coalesce(r.order_id, b.order_id),
                    expires_at = CASE WHEN r.order_id IS NOT NULL
                        THEN r.expires_at ELSE b.expires_at END,
                    expected_at = CASE WHEN r.priority IS NOT NULL
                        THEN r.expected_at ELSE b.expected_at END,
                    priority = coalesce(r.priority, b.priority)"""
_MOST_PARTS = 16
_WORTH_PARTING = 32
"""So many units at least, beyond what is kept back: parts of fewer would be short at once."""
_POST = Template("""
CREATE OR REPLACE FUNCTION $name(
    posting_id text, posting_at timestamptz, posting_order text, posting_document json,
    lapse_by timestamptz, rows json, lots json, joined boolean,
    OUT written bigint, OUT short json, OUT lapsing boolean
) LANGUAGE plpgsql SET enable_seqscan = off AS $$$$
DECLARE
    r record;
    have bigint;
    found_short json[];
    last_sku text;
    place integer;
    from_a_part boolean;
    -- The row that found no part. Begun anew, all take from the first part, and wait for it.
    waited_at integer;
BEGIN
    lapsing := false;
    -- Who sends the same posting waits here, before it has locked anything else.
    PERFORM $lock;
    -- What is known locks nothing: whoever says it again must not wait for others, or they for it.
    PERFORM FROM $postings p WHERE p.id = posting_id;
    IF FOUND THEN
        RETURN;
    END IF;
    LOOP
        -- What is refused after something was written is undone as a whole: see EXCEPTION.
        BEGIN
            place := -1;
            last_sku := NULL;
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
                    ON CONFLICT (sku, location, bucket, reservation, lot, part) DO NOTHING;
                END IF;
                IF r.reservation <> '' AND r.units < 0 AND found_short IS NULL THEN
                    DELETE FROM $balances b WHERE $first_part AND b.units + r.units = 0 AND $room;
                    CONTINUE WHEN FOUND;
                END IF;
                IF r.bucket = 'available' AND (joined OR r.units <= 0) THEN
                    from_a_part := found_short IS NULL AND NOT joined;
                    IF from_a_part AND r.wanted IS NULL AND r.units < 0 THEN
                        -- Without a limit it may be below zero, in one row. That is seen first, as
                        -- every such posting would begin anew: it only saves time.
                        PERFORM FROM $balances b WHERE $account AND $spared LIMIT 1;
                        from_a_part := FOUND;
                    END IF;
                    IF from_a_part AND waited_at IS NULL THEN
                        -- The first part comes last: whoever finds none waits there, and what comes
                        -- in goes there. (Not one statement with the next one: what waits must not
                        -- look for a part anew.)
                        UPDATE $balances b SET
                            units = b.units + r.units, reserved = b.reserved + r.reserved
                        WHERE $account AND $spared AND b.part = (
                            SELECT b.part FROM $balances b WHERE $account AND $spared
                            ORDER BY b.part DESC LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
                        );
                        CONTINUE WHEN FOUND;
                        -- One may be locked that others had just emptied: undoing lets go of it.
                        waited_at := place;
                        RAISE EXCEPTION USING ERRCODE = 'OW003';
                    ELSIF from_a_part THEN
                        UPDATE $balances b SET
                            units = b.units + r.units, reserved = b.reserved + r.reserved
                        WHERE $first_part AND $spared RETURNING b.units INTO have;
                        IF FOUND THEN
                            IF waited_at = place
                                AND have - 2 * coalesce(r.least, 0) >= $worth_parting
                            THEN
                                -- Parts go all at once, so their number is that of the next one.
                                INSERT INTO $balances (sku, location, bucket, reservation, lot,
                                    part, units, reserved, floor)
                                SELECT r.sku, r.location, r.bucket, r.reservation, r.lot,
                                    count(*), have / 2, 0, 0
                                FROM $balances b WHERE $account HAVING count(*) < $most_parts;
                                IF FOUND THEN
                                    UPDATE $balances b SET units = b.units - have / 2
                                    WHERE $first_part;
                                END IF;
                            END IF;
                            CONTINUE;
                        END IF;
                    END IF;
                    -- All parts become one, also to tell what is short: then it is undone. The
                    -- first is locked before the others are looked for.
                    PERFORM FROM $balances b WHERE $first_part FOR UPDATE;
                    PERFORM FROM $balances b WHERE $account AND b.part > 0 LIMIT 1;
                    IF FOUND THEN
                        WITH gone AS (
                            DELETE FROM $balances b WHERE $account AND b.part > 0
                            RETURNING b.units, b.reserved
                        )
                        UPDATE $balances b SET
                            units = b.units + others.units,
                            reserved = b.reserved + others.reserved
                        FROM (SELECT sum(g.units) AS units, sum(g.reserved) AS reserved
                            FROM gone g) others
                        WHERE $first_part;
                    END IF;
                END IF;
                have := NULL;
                WHILE r.wanted IS NOT NULL OR r.units <= 0 LOOP
                    IF found_short IS NULL THEN
                        UPDATE $balances b SET $moved
                        WHERE $first_part AND $room RETURNING b.units INTO have;
                        EXIT WHEN FOUND OR r.wanted IS NULL;
                    END IF;
                    SELECT b.units INTO have FROM $balances b WHERE $first_part FOR UPDATE;
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
                -- Whoever took the rest of the reservation was not done when it was looked at.
                IF have = 0 AND r.reservation <> '' THEN
                    DELETE FROM $balances b WHERE $first_part;
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
                ) ON CONFLICT (sku, location, bucket, reservation, lot, part) DO UPDATE SET $moved;
            END LOOP;
            IF found_short IS NOT NULL THEN
                -- What others took while they were waited for may have expired, and is free then.
                PERFORM FROM $balances b WHERE b.expires_at <= lapse_by
                    AND b.sku IN (SELECT x.sku FROM json_to_recordset(rows) AS x(sku text))
                LIMIT 1;
                lapsing := FOUND;
                RAISE EXCEPTION USING ERRCODE = 'OW001';
            END IF;
            IF lots IS NOT NULL THEN
                INSERT INTO $lots (sku, lot, best_before)
                SELECT * FROM json_to_recordset(lots)
                    AS x(sku text, lot text, best_before timestamptz)
                ON CONFLICT (sku, lot) DO UPDATE SET best_before = excluded.best_before;
            END IF;
            -- Numbered when all of it is locked: who has waited for another comes behind it.
            INSERT INTO $postings AS p (id, at, order_id, document)
            VALUES (posting_id, posting_at, posting_order, posting_document)
            ON CONFLICT (id) DO NOTHING RETURNING p.number INTO written;
            IF written IS NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'OW001';
            END IF;
            EXIT;
        EXCEPTION
            WHEN SQLSTATE 'OW001' THEN
                written := NULL;
                short := array_to_json(found_short);
                EXIT;
            WHEN SQLSTATE 'OW003' THEN
                NULL;  -- no part was found: begun anew
        END;
    END LOOP;
END $$$$
""")


_QUOTED = postgresql.dialect().identifier_preparer  # type: ignore[no-untyped-call]


NOT_WRITTEN = "OW002"
"""The code of the error of a statement that was only to write something with its posting."""
# As part of the statement that saves an order: what is not written undoes all of it.
_REQUIRED = Template("""
CREATE OR REPLACE FUNCTION $name(
    posting_id text, posting_at timestamptz, posting_order text, posting_document json,
    lapse_by timestamptz, rows json, lots json, joined boolean
) RETURNS bigint LANGUAGE plpgsql AS $$$$
DECLARE
    number bigint;
BEGIN
    SELECT written INTO number FROM $post(
        posting_id, posting_at, posting_order, posting_document, lapse_by, rows, lots, joined
    );
    IF number IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '$code', MESSAGE = 'the posting was not written';
    END IF;
    RETURN number;
END $$$$
""")
# Before a lapse and the posting behind it: all that both may touch is locked, and what has expired
# of it is told.
_HOLD = Template("""
CREATE OR REPLACE FUNCTION $name(skus text[], names text[], lapse_by timestamptz)
RETURNS SETOF $balances LANGUAGE plpgsql SET enable_seqscan = off AS $$$$
DECLARE
    r record;
    held $balances;
BEGIN
    FOR r IN SELECT b.sku, b.location, b.bucket, b.reservation, b.lot FROM $balances b
        WHERE b.sku = ANY(skus) AND (b.reservation = ANY(names) OR b.expires_at <= lapse_by)
            AND b.part = 0
        ORDER BY b.sku, b.reservation = '', b.location, b.bucket, b.reservation, b.lot
    LOOP
        SELECT b.* INTO held FROM $balances b WHERE $first_part FOR UPDATE;
        IF held.expires_at <= lapse_by THEN
            RETURN NEXT held;
        ELSIF r.bucket = 'available' THEN
            PERFORM FROM $balances b WHERE $account AND b.part > 0 FOR UPDATE;
        END IF;
    END LOOP;
END $$$$
""")
_GIVEN = (
    *(":posting_id", ":posting_at", ":posting_order", "CAST(:posting_document AS json)"),
    *(":lapse_by", "CAST(:rows AS json)", "CAST(:lots AS json)", ":joined"),
)


def posting_call(tables: Tables, *, required: bool = False) -> str:
    """Return the call of the function that writes a posting, raising if it is ``required``."""
    return f"{_name(tables, 'post_required' if required else 'post')}({', '.join(_GIVEN)})"


def holding_call(tables: Tables) -> str:
    """Return the call of the function that locks what a lapse and the posting behind it touch."""
    return f"{_name(tables, 'hold')}(:skus, :names, :lapse_by)"


def _name(tables: Tables, verb: str) -> str:
    """Return what a function is called, quoted where its name needs that."""
    name = _QUOTED.quote(tables.prefix + verb)
    return f"{_QUOTED.quote(tables.schema)}.{name}" if tables.schema else name


def posting_functions(tables: Tables) -> tuple[str, ...]:
    """Return the statements that make, or replace, the functions that write a posting."""
    name = _name(tables, "post")
    words: dict[str, object] = {
        "balances": _QUOTED.format_table(tables.balances),
        "account": _ACCOUNT,
        "first_part": _FIRST_PART,
    }
    post = _POST.substitute(
        words,
        name=name,
        postings=_QUOTED.format_table(tables.postings),
        lots=_QUOTED.format_table(tables.lots),
        lock=TURN_OF.format("posting_id"),
        room=_ROOM,
        moved=_MOVED,
        spared=_SPARED,
        most_parts=_MOST_PARTS,
        worth_parting=_WORTH_PARTING,
    )
    required = _name(tables, "post_required")
    must = _REQUIRED.substitute(name=required, post=name, code=NOT_WRITTEN)
    return post, must, _HOLD.substitute(words, name=_name(tables, "hold"))
