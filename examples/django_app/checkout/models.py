"""What the shop knows besides orders."""

from django.db import models


class Basket(models.Model):
    """What a visitor has picked: units and prices by SKU. Once ordered, it says so."""

    name = models.TextField(primary_key=True)
    units = models.JSONField(default=dict)
    prices = models.JSONField(default=dict)
    ordered_as = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return self.name
