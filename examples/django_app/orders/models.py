"""The tables: what people search for stands in columns, the whole of it in a document beside them.

They are ordinary models: query them, join them, show them in the admin. Only the repositories write
them.
"""

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class Name(models.TextField):
    """An id or a name: compared, and put in order, by code point, whatever the database prefers."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, object]:
        """Ask PostgreSQL for that; SQLite does nothing else."""
        found = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            found["collation"] = "C"
        return found


class StoredOrder(models.Model):
    """An order as last saved."""

    id = Name(primary_key=True)
    version = models.BigIntegerField()
    state = Name()
    customer_id = Name()
    channel = Name()
    placed_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    document = models.JSONField()

    class Meta:
        """What it is found by."""

        indexes = (
            models.Index(fields=["state", "id"], name="order_state"),
            models.Index(fields=["customer_id", "id"], name="order_customer"),
            models.Index(fields=["placed_at"], name="order_placed"),
            models.Index(
                fields=["due_at", "id"], name="order_due", condition=models.Q(due_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.id} ({self.state})"


class StoredEvent(models.Model):
    """What happened to an order. Who reads the feed gives it a position, once it is committed."""

    order_id = Name()
    number = models.BigIntegerField()
    key = Name()
    position = models.BigIntegerField(null=True, unique=True)
    document = models.JSONField()

    class Meta:
        """What it is found by."""

        constraints = (models.UniqueConstraint(fields=["order_id", "number"], name="event_number"),)
        indexes = (
            models.Index(fields=["order_id", "key"], name="event_key", condition=~models.Q(key="")),
            models.Index(
                fields=["order_id", "number"],
                name="event_new",
                condition=models.Q(position__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.order_id} {self.number}: {self.document['type']}"


class StoredReference(models.Model):
    """A name by which others know an order."""

    kind = Name()
    value = Name()
    order_id = Name()

    class Meta:
        """What it is found by."""

        constraints = (
            models.UniqueConstraint(fields=["kind", "value", "order_id"], name="reference"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.value}: {self.order_id}"


class StoredFulfillment(models.Model):
    """Where a part of an order is worked on, and how far it is."""

    order_id = Name()
    name = Name()
    location = Name()
    state = Name()

    class Meta:
        """What it is found by."""

        constraints = (models.UniqueConstraint(fields=["order_id", "name"], name="fulfillment"),)
        indexes = (
            models.Index(fields=["location", "state", "order_id"], name="fulfillment_location"),
        )

    def __str__(self) -> str:
        return f"{self.order_id} {self.name} at {self.location} ({self.state})"


class StoredContact(models.Model):
    """Personal data, kept apart so that it can be forgotten."""

    id = Name(primary_key=True)
    document = models.JSONField()

    def __str__(self) -> str:
        return self.id


class Sku(models.Model):
    """A row to lock: who holds it may book units of that SKU."""

    id = Name(primary_key=True)

    def __str__(self) -> str:
        return self.id


class StoredPosting(models.Model):
    """A movement of stock. Who reads the postings gives it a position, once it is committed."""

    posting_id = Name(unique=True)
    position = models.BigIntegerField(null=True, unique=True)
    document = models.JSONField()

    class Meta:
        """What it is found by."""

        indexes = (
            models.Index(
                fields=["id"], name="posting_new", condition=models.Q(position__isnull=True)
            ),
        )

    def __str__(self) -> str:
        return self.posting_id


class StoredAccount(models.Model):
    """The units on an account of the ledger.

    ``order_id`` and what follows it say of a reservation, a claim and what is on order: whose it
    is, by which posting and as which of its entries it was made, and its terms.
    """

    sku = Name()
    location = Name()
    bucket = Name()
    reservation = Name()
    lot = Name()
    units = models.BigIntegerField(default=0)
    order_id = Name(default="")
    made_by = models.BigIntegerField(default=0)
    made_as = models.IntegerField(default=0)
    expires_at = models.DateTimeField(null=True)
    expected_at = models.DateTimeField(null=True)
    priority = models.BigIntegerField(default=0)

    class Meta:
        """What it is found by."""

        constraints = (
            models.UniqueConstraint(
                fields=["sku", "location", "bucket", "reservation", "lot"], name="stock_account"
            ),
        )
        indexes = (
            models.Index(
                fields=["order_id"], name="account_order", condition=~models.Q(order_id="")
            ),
            models.Index(
                fields=["sku", "expires_at"],
                name="account_lapsing",
                condition=models.Q(expires_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.units} x {self.sku} {self.bucket} at {self.location}"


class StoredLot(models.Model):
    """Until when a lot may be promised."""

    sku = Name()
    lot = Name()
    best_before = models.DateTimeField()

    class Meta:
        """What it is found by."""

        constraints = (models.UniqueConstraint(fields=["sku", "lot"], name="stock_lot"),)

    def __str__(self) -> str:
        return f"{self.sku} {self.lot}: {self.best_before}"


class Counter(models.Model):
    """The last position given; its row is the lock of who gives the next ones."""

    name = Name(primary_key=True)
    value = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
