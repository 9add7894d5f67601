"""What a payment provider says unasked: webhooks that somebody bent, on their way to a desk."""

import copy

from orderwright.adapters.stripe import OperationNotice, notification
from tests.adapters.test_stripe_notices import MEANT, event
from tests.fuzz.hostile import Hostile
from tests.fuzz.judging import Target


def heard(draw: Hostile) -> object:
    """An event of Stripe's, or not quite."""
    kind, thing, _ = draw.choice(MEANT)
    told = copy.deepcopy(event(kind, **thing))
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        told = draw.bent(told)
    return notification(told)


def usable(notice: object) -> None:
    """What was heard can be handed on: ids are strings, counts are whole."""
    if isinstance(notice, OperationNotice):
        assert (type(notice.operation_id), type(notice.sequence)) == (str, int)
    repr(notice)


TARGETS = {"stripe notification": Target(heard, accepted=usable)}
