"""The tables of the shop by hand on PostgreSQL, and the one statement of each of its steps."""

from __future__ import annotations

__all__ = [
    "DELIVER",
    "FIGURES",
    "LOAD",
    "OPEN",
    "OUTCOME",
    "PLACE",
    "SCHEMA",
    "SHIP",
    "STATES",
    "SUPPLY",
]

SCHEMA = """
CREATE TABLE orders (
    id text PRIMARY KEY, version bigint NOT NULL, state text NOT NULL, customer_id text NOT NULL,
    channel text NOT NULL, currency text NOT NULL, total bigint NOT NULL,
    placed_at timestamptz NOT NULL, due_at timestamptz
);
CREATE INDEX ON orders (state, id);
CREATE INDEX ON orders (customer_id, id);
CREATE INDEX ON orders (placed_at);
CREATE INDEX ON orders (due_at, id) WHERE due_at IS NOT NULL;
CREATE TABLE lines (
    order_id text, id text, sku text NOT NULL, ordered bigint NOT NULL, cancelled bigint NOT NULL,
    price bigint NOT NULL, amount bigint NOT NULL, PRIMARY KEY (order_id, id)
);
CREATE TABLE charges (
    order_id text, id text, kind text NOT NULL, amount bigint NOT NULL, PRIMARY KEY (order_id, id)
);
CREATE TABLE fulfillments (
    order_id text, id text, location text NOT NULL, state text NOT NULL,
    carrier text NOT NULL, tracking text NOT NULL, PRIMARY KEY (order_id, id)
);
CREATE INDEX ON fulfillments (location, state, order_id);
CREATE TABLE items (
    order_id text, fulfillment_id text, line_id text, units bigint NOT NULL,
    PRIMARY KEY (order_id, fulfillment_id, line_id)
);
CREATE TABLE payments (
    order_id text, id text, method text NOT NULL, instrument text NOT NULL, amount bigint NOT NULL,
    reference text NOT NULL, authorized bigint NOT NULL, captured bigint NOT NULL,
    PRIMARY KEY (order_id, id)
);
CREATE TABLE operations (
    id text PRIMARY KEY, order_id text NOT NULL, payment_id text NOT NULL, kind text NOT NULL,
    amount bigint NOT NULL, state text NOT NULL, since timestamptz NOT NULL
);
CREATE INDEX ON operations (order_id);
CREATE TABLE events (
    order_id text, number bigint, position bigint GENERATED ALWAYS AS IDENTITY,
    written_by xid8 NOT NULL DEFAULT pg_current_xact_id(), kind text NOT NULL,
    at timestamptz NOT NULL, key text NOT NULL, facts json NOT NULL, PRIMARY KEY (order_id, number)
);
CREATE UNIQUE INDEX ON events (position);
CREATE UNIQUE INDEX ON events (order_id, key) WHERE key <> '';
CREATE TABLE order_references (
    kind text, value text, order_id text, PRIMARY KEY (kind, value, order_id)
);
CREATE TABLE stock (
    sku text, location text, available bigint NOT NULL CHECK (available >= 0),
    reserved bigint NOT NULL CHECK (reserved >= 0), PRIMARY KEY (sku, location)
);
CREATE TABLE reservations (
    order_id text, fulfillment_id text, line_id text, sku text NOT NULL, location text NOT NULL,
    units bigint NOT NULL, expires_at timestamptz, PRIMARY KEY (order_id, fulfillment_id, line_id)
);
CREATE INDEX ON reservations (sku, expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE movements (
    posting_id text, line_id text, order_id text NOT NULL, at timestamptz NOT NULL,
    sku text NOT NULL, location text NOT NULL, source text NOT NULL, target text NOT NULL,
    units bigint NOT NULL, PRIMARY KEY (posting_id, line_id)
);
CREATE INDEX ON movements (sku, location);
"""

OPEN = """
WITH received AS (
    INSERT INTO movements
    SELECT sku || '/' || location, '', '', %(at)s, sku, location, 'supplier', 'available', %(units)s
    FROM unnest(%(skus)s::text[]) sku, unnest(%(places)s::text[]) location
    RETURNING sku, location, units
)
INSERT INTO stock SELECT sku, location, units, 0 FROM received
"""

SUPPLY = "SELECT sku, location, available FROM stock WHERE sku = ANY(%s)"

_EVENTS = """INSERT INTO events (order_id, number, kind, at, key, facts)
    SELECT mine.id, e.number, e.kind, %(at)s, e.key, e.facts
    FROM mine, json_to_recordset(%(events)s) AS e(number bigint, kind text, key text, facts json)"""

# Accounts are locked in the order of their keys; a CHECK refuses the whole statement.
PLACE = f"""
WITH mine AS (
    INSERT INTO orders VALUES (%(id)s, %(version)s, 'placed', %(customer_id)s, 'web',
        %(currency)s, %(total)s, %(at)s, %(due_at)s)
    ON CONFLICT DO NOTHING RETURNING id
), line AS (
    INSERT INTO lines SELECT mine.id, l.id, l.sku, l.ordered, 0, l.price, l.amount
    FROM mine, json_to_recordset(%(lines)s)
        AS l(id text, sku text, ordered bigint, price bigint, amount bigint)
), charge AS (
    INSERT INTO charges SELECT id, 'c1', 'shipping', %(shipping)s FROM mine
), planned AS (
    INSERT INTO fulfillments SELECT mine.id, f.id, f.location, 'reserved', '', ''
    FROM mine, json_to_recordset(%(fulfillments)s) AS f(id text, location text)
), item AS (
    SELECT mine.id, i.* FROM mine, json_to_recordset(%(items)s)
        AS i(fulfillment text, line text, sku text, location text, units bigint)
), parts AS (
    INSERT INTO items SELECT id, fulfillment, line, units FROM item
), locked AS (
    SELECT s.sku, s.location, i.units
    FROM (SELECT sku, location, sum(units) AS units FROM item GROUP BY sku, location) i
    JOIN stock s USING (sku, location) ORDER BY s.sku, s.location FOR UPDATE OF s
), taken AS (
    UPDATE stock s SET available = available - l.units, reserved = reserved + l.units
    FROM locked l WHERE s.sku = l.sku AND s.location = l.location
), held AS (
    INSERT INTO reservations SELECT id, fulfillment, line, sku, location, units FROM item
), moved AS (
    INSERT INTO movements SELECT %(posting)s, line, id, %(at)s, sku, location,
        'available', 'reserved', units FROM item
), paid AS (
    INSERT INTO payments SELECT id, 'p1', 'card', %(instrument)s, %(total)s, '', 0, 0 FROM mine
), asked AS (
    INSERT INTO operations SELECT %(operation)s, id, 'p1', 'authorize', %(total)s, 'requested',
        %(at)s FROM mine
), told AS (
    {_EVENTS}
)
SELECT count(*) FROM mine
"""  # noqa: S608 - made of our own parts

_CHANGE = """UPDATE orders SET version = %(version)s, state = %(state)s, due_at = %(due_at)s
    WHERE id = %(id)s AND version = %(expected)s RETURNING id"""

OUTCOME = f"""
WITH mine AS (
    {_CHANGE}
), done AS (
    UPDATE operations SET state = %(outcome)s FROM mine WHERE operations.id = %(operation)s
), paid AS (
    UPDATE payments SET reference = %(reference)s, authorized = authorized + %(authorized)s,
        captured = captured + %(captured)s
    FROM mine WHERE order_id = mine.id AND payments.id = 'p1'
), named AS (
    INSERT INTO order_references SELECT 'payment', %(reference)s, id FROM mine
    ON CONFLICT DO NOTHING
), told AS (
    {_EVENTS}
)
SELECT count(*) FROM mine
"""  # noqa: S608 - made of our own parts

SHIP = f"""
WITH mine AS (
    {_CHANGE}
), handed AS (
    UPDATE fulfillments f SET state = 'shipped', carrier = %(carrier)s, tracking = %(tracking)s
    FROM mine WHERE f.order_id = mine.id AND f.id = %(fulfillment)s
), named AS (
    INSERT INTO order_references SELECT 'tracking', %(tracking)s, id FROM mine
    WHERE %(tracking)s <> '' ON CONFLICT DO NOTHING
), gone AS (
    DELETE FROM reservations r USING mine
    WHERE r.order_id = mine.id AND r.fulfillment_id = %(fulfillment)s
    RETURNING mine.id, r.line_id, r.sku, r.location, r.units
), locked AS (
    SELECT s.sku, s.location, g.units
    FROM (SELECT sku, location, sum(units) AS units FROM gone GROUP BY sku, location) g
    JOIN stock s USING (sku, location) ORDER BY s.sku, s.location FOR UPDATE OF s
), taken AS (
    UPDATE stock s SET reserved = reserved - l.units
    FROM locked l WHERE s.sku = l.sku AND s.location = l.location
), moved AS (
    INSERT INTO movements SELECT %(posting)s, line_id, id, %(at)s, sku, location,
        'reserved', 'customer', units FROM gone
), asked AS (
    INSERT INTO operations SELECT %(operation)s, id, 'p1', 'capture', %(owed)s, 'requested',
        %(at)s FROM mine WHERE %(owed)s > 0
), told AS (
    {_EVENTS}
)
SELECT count(*) FROM mine
"""  # noqa: S608 - made of our own parts

DELIVER = f"""
WITH mine AS (
    {_CHANGE}
), arrived AS (
    UPDATE fulfillments f SET state = 'delivered'
    FROM mine WHERE f.order_id = mine.id AND f.id = %(fulfillment)s
), told AS (
    {_EVENTS}
)
SELECT count(*) FROM mine
"""  # noqa: S608 - made of our own parts

LOAD = """
SELECT o.id, o.version, o.state, o.total, o.customer_id, o.due_at, p.reference, p.instrument,
    p.authorized, p.captured,
    (SELECT json_agg(l) FROM lines l WHERE l.order_id = o.id) AS lines,
    (SELECT json_agg(c) FROM charges c WHERE c.order_id = o.id) AS charges,
    (SELECT json_agg(f ORDER BY f.id) FROM fulfillments f WHERE f.order_id = o.id) AS fulfillments,
    (SELECT json_agg(i) FROM items i WHERE i.order_id = o.id) AS items,
    (SELECT count(*) FROM operations a WHERE a.order_id = o.id AND a.kind = 'capture') AS captures,
    (SELECT e.facts FROM events e
        WHERE e.order_id = o.id AND e.key = %(key)s AND e.key <> '') AS known
FROM orders o JOIN payments p ON p.order_id = o.id AND p.id = 'p1' WHERE o.id = %(id)s
"""

FIGURES = """
SELECT count(*), sum(total)::bigint, count(due_at),
    (SELECT sum(captured)::bigint FROM payments),
    (SELECT count(DISTINCT posting_id) FROM movements)
FROM orders
"""
STATES = """
SELECT o.state || array_agg(f.state ORDER BY f.id)
FROM orders o JOIN fulfillments f ON f.order_id = o.id GROUP BY o.id
"""
