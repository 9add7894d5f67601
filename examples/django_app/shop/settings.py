"""Settings of the shop. ``SHOP_PG_NAME`` (with ``SHOP_PG_HOST``) has it use PostgreSQL."""

import os
from pathlib import Path

DEBUG = False
ALLOWED_HOSTS = ["*"]
SECRET_KEY = os.environ.get("SHOP_SECRET_KEY", "only for trying it out")
USE_TZ = True
ROOT_URLCONF = "shop.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["orders", "checkout"]
MIDDLEWARE = ["checkout.refusals.RefusalMiddleware"]

ORDER_DESK = "shop.desk.open_desk"

SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": os.environ.get("SHOP_SQLITE", Path(__file__).parents[1] / "shop.sqlite3"),
    "OPTIONS": {
        # Who reads, then writes, may be too late unless it has asked for writing first.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        # What is committed is on the disk; of what is forgotten no trace is left.
        "init_command": "PRAGMA synchronous = EXTRA; PRAGMA secure_delete = ON",
    },
}
POSTGRESQL = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": os.environ.get("SHOP_PG_NAME", ""),
    "HOST": os.environ.get("SHOP_PG_HOST", ""),
    "USER": os.environ.get("SHOP_PG_USER", "postgres"),
}
# Each view runs in a transaction: what it writes and what the desk saves is there together, or not
# at all. Such a desk makes no calls outside; `shop.desk.after_commit` has them made.
DATABASES = {
    "default": {
        **(POSTGRESQL if "SHOP_PG_NAME" in os.environ else SQLITE),
        "ATOMIC_REQUESTS": True,
    }
}
