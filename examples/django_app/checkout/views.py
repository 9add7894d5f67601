"""Views: baskets become orders, in the transaction of the request or outside of it."""

import json
from datetime import datetime

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from orders.databases import CODEC
from shop.desk import after_commit, open_desk

from checkout.models import Basket
from orderwright import DraftLine, Order, Posting, Tender, UnitPrice
from orderwright.errors import InvalidInput


@require_POST
@csrf_exempt  # an API: browsers send no cookie of ours that somebody could abuse
def order_basket(request: HttpRequest, name: str) -> JsonResponse:
    """Turn a basket into an order: both are committed together.

    The desk decides and saves, so the order is `placed`, and nothing is reserved or charged yet:
    that is done after the commit. Ask for the order again to see what came of it; if somebody was
    faster, it is `rejected`.
    """
    basket = get_object_or_404(Basket.objects.select_for_update(), name=name)
    order = open_desk().place(
        lines_of(basket),
        order_id=f"basket-{basket.name}",  # the same basket again is the same order
        tenders=[Tender(method="card", instrument=field(request, "card"))],
    )
    basket.ordered_as = order.id
    basket.save()
    after_commit(order)
    return answer(order, status=202)


@require_POST
@csrf_exempt
@transaction.non_atomic_requests
def order_basket_at_once(request: HttpRequest, name: str) -> JsonResponse:
    """Turn a basket into an order, and answer when its stock and money are there.

    Here the desk saves before each call and after it, as it needs no transaction around it. What
    the view writes itself may be lost if the process dies in between: sending it again mends that.
    """
    basket = get_object_or_404(Basket, name=name)
    order = open_desk().place(
        lines_of(basket),
        order_id=f"basket-{basket.name}",
        tenders=[Tender(method="card", instrument=field(request, "card"))],
    )
    Basket.objects.filter(name=name).update(ordered_as=order.id)
    return answer(order, status=201)


@require_GET
@transaction.non_atomic_requests  # who only reads has no need of one
def show_order(_request: HttpRequest, order_id: str) -> JsonResponse:
    """An order as it stands, as the document that is stored."""
    return answer(open_desk().order(order_id))


@require_POST
@csrf_exempt
@transaction.non_atomic_requests
def receive(request: HttpRequest, posting_id: str) -> JsonResponse:
    """Book a delivery; orders that wait for it get their units at once.

    When it came is a part of it: with the time of the request, sending it again would be another.
    """
    try:
        at = datetime.fromisoformat(field(request, "at"))
    except (TypeError, ValueError):
        raise InvalidInput.at("at", "expected a time such as 2026-03-02T12:00:00Z") from None
    posting = Posting.receive(
        posting_id,
        field(request, "sku"),
        field(request, "location"),
        field(request, "units"),
        at=at,
    )
    return JsonResponse({"filled": open_desk().post_stock(posting)})


def lines_of(basket: Basket) -> list[DraftLine]:
    """The lines of an order for what is in a basket."""
    return [
        DraftLine(sku=sku, quantity=units, unit_price=UnitPrice.of(basket.prices[sku], "EUR"))
        for sku, units in basket.units.items()
    ]


def field(request: HttpRequest, name: str) -> object:
    """A field of the JSON that was sent."""
    try:
        return json.loads(request.body)[name]
    except (ValueError, KeyError, TypeError):
        raise InvalidInput.at(name, "expected a JSON object that has it") from None


def answer(order: Order, *, status: int = 200) -> JsonResponse:
    """An order, and where it stands, in a few words."""
    stands = {"state": order.state.name, "money": order.money, "goods": order.goods}
    return JsonResponse({**stands, **CODEC.encode_order(order)}, status=status)
