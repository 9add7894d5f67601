"""Make the table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """The only one."""

    initial = True

    dependencies = ()

    operations = (
        migrations.CreateModel(
            name="Basket",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("units", models.JSONField(default=dict)),
                ("prices", models.JSONField(default=dict)),
                ("ordered_as", models.TextField(blank=True, default="")),
            ],
        ),
    )
