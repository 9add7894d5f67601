"""What Django is told of this application."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Orders and stock."""

    name = "orders"
    default_auto_field = "django.db.models.BigAutoField"
