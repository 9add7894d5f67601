"""Make the tables."""

from django.db import migrations, models

import orders.models


class Migration(migrations.Migration):
    """All of them."""

    initial = True

    dependencies = ()

    operations = (
        migrations.CreateModel(
            name="Counter",
            fields=[
                ("name", orders.models.Name(primary_key=True, serialize=False)),
                ("value", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Sku",
            fields=[
                ("id", orders.models.Name(primary_key=True, serialize=False)),
            ],
        ),
        migrations.CreateModel(
            name="StoredContact",
            fields=[
                ("id", orders.models.Name(primary_key=True, serialize=False)),
                ("document", models.JSONField()),
            ],
        ),
        migrations.CreateModel(
            name="StoredAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sku", orders.models.Name()),
                ("location", orders.models.Name()),
                ("bucket", orders.models.Name()),
                ("reservation", orders.models.Name()),
                ("lot", orders.models.Name()),
                ("units", models.BigIntegerField(default=0)),
                ("order_id", orders.models.Name(default="")),
                ("made_by", models.BigIntegerField(default=0)),
                ("made_as", models.IntegerField(default=0)),
                ("expires_at", models.DateTimeField(null=True)),
                ("expected_at", models.DateTimeField(null=True)),
                ("priority", models.BigIntegerField(default=0)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("order_id", ""), _negated=True),
                        fields=["order_id"],
                        name="account_order",
                    ),
                    models.Index(
                        condition=models.Q(("expires_at__isnull", False)),
                        fields=["sku", "expires_at"],
                        name="account_lapsing",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("sku", "location", "bucket", "reservation", "lot"),
                        name="stock_account",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="StoredEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("order_id", orders.models.Name()),
                ("number", models.BigIntegerField()),
                ("key", orders.models.Name()),
                ("position", models.BigIntegerField(null=True, unique=True)),
                ("document", models.JSONField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("key", ""), _negated=True),
                        fields=["order_id", "key"],
                        name="event_key",
                    ),
                    models.Index(
                        condition=models.Q(("position__isnull", True)),
                        fields=["order_id", "number"],
                        name="event_new",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("order_id", "number"), name="event_number")
                ],
            },
        ),
        migrations.CreateModel(
            name="StoredFulfillment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("order_id", orders.models.Name()),
                ("name", orders.models.Name()),
                ("location", orders.models.Name()),
                ("state", orders.models.Name()),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["location", "state", "order_id"], name="fulfillment_location"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("order_id", "name"), name="fulfillment")
                ],
            },
        ),
        migrations.CreateModel(
            name="StoredLot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sku", orders.models.Name()),
                ("lot", orders.models.Name()),
                ("best_before", models.DateTimeField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("sku", "lot"), name="stock_lot")],
            },
        ),
        migrations.CreateModel(
            name="StoredOrder",
            fields=[
                ("id", orders.models.Name(primary_key=True, serialize=False)),
                ("version", models.BigIntegerField()),
                ("state", orders.models.Name()),
                ("customer_id", orders.models.Name()),
                ("channel", orders.models.Name()),
                ("placed_at", models.DateTimeField()),
                ("due_at", models.DateTimeField(null=True)),
                ("document", models.JSONField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["state", "id"], name="order_state"),
                    models.Index(fields=["customer_id", "id"], name="order_customer"),
                    models.Index(fields=["placed_at"], name="order_placed"),
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at", "id"],
                        name="order_due",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StoredPosting",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("posting_id", orders.models.Name(unique=True)),
                ("position", models.BigIntegerField(null=True, unique=True)),
                ("document", models.JSONField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("position__isnull", True)),
                        fields=["id"],
                        name="posting_new",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="StoredReference",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", orders.models.Name()),
                ("value", orders.models.Name()),
                ("order_id", orders.models.Name()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "value", "order_id"), name="reference")
                ],
            },
        ),
    )
