"""A Django project whose orders and stock are kept by its own ORM.

What is where:

- ``orders/``: an application to copy: tables with their migration (``models.py``), the repositories
  on them (``repositories.py``, ``inventory.py``), and the one background job, the command
  ``resume_orders``;
- ``shop/``: how this shop opens a desk, and what it does after a commit (``desk.py``);
- ``checkout/``: views in the transaction of their request (``ATOMIC_REQUESTS``), views without one,
  and what they answer when something is refused;
- ``tests/``: the conformance kit of ``orderwright.testing``, run on both repositories, and tests of
  the views.

With orderwright and Django installed::

    python manage.py migrate
    python manage.py runserver
    python manage.py resume_orders --every 10

Set ``SHOP_PG_NAME`` and ``SHOP_PG_HOST`` to have it use PostgreSQL; ``pytest`` runs its tests.
"""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    execute_from_command_line(sys.argv)
