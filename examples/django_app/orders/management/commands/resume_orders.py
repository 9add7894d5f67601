"""The one background job: finish what a crash, a time-out or a late answer left unfinished."""

import time
from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import close_old_connections
from django.utils.module_loading import import_string

from orderwright import OrderwrightError


class Command(BaseCommand):
    """Run it every minute, or let it run; any number at once do no harm."""

    help = "Work through orders that have something due."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say what may be told."""
        parser.add_argument("--every", type=float, metavar="SECONDS", help="go on for ever")

    def handle(self, *_args: object, every: float | None, **_options: object) -> None:
        """Do it once, or for ever: a database that is away for a while does not end that."""
        if every is None:
            self.resume()
        while every is not None:
            try:
                self.resume()
            except OrderwrightError as error:
                self.stderr.write(str(error))
            time.sleep(every)
            close_old_connections()

    def resume(self) -> None:
        """Work through what is due, and say what came of it."""
        done = import_string(settings.ORDER_DESK)().resume()
        for order_id, error in done.failures:
            self.stderr.write(f"{order_id}: {error}")
        self.stdout.write(f"{len(done.order_ids)} orders resumed, {len(done.failures)} failed")
