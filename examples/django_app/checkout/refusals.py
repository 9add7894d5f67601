"""Every refusal of orderwright is an answer, and what the view had written is rolled back."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from orders.databases import CODEC

from orderwright import AdapterFault, Mistake, OrderwrightError, Refused
from orderwright.errors import KeyReused, NotFound


class RefusalMiddleware:
    """Answers for views that let errors pass; Django has ended their transaction before that."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Let the request pass."""
        return self.get_response(request)

    def process_exception(self, _request: HttpRequest, error: Exception) -> JsonResponse | None:
        """Answer with the facts of the error."""
        if not isinstance(error, OrderwrightError):
            return None
        told = {"message": str(error), **CODEC.encode_error(error)}
        return JsonResponse(told, status=status_of(error))


def status_of(error: OrderwrightError) -> int:
    """The status of an error, by who can do something about it."""
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, KeyReused | Refused):
        return 409
    if isinstance(error, Mistake):
        return 400
    return 503 if isinstance(error, AdapterFault) and error.retryable else 502
