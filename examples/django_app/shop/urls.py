"""Where the views are."""

from checkout import views
from django.urls import path

urlpatterns = [
    path("baskets/<str:name>/order", views.order_basket),
    path("baskets/<str:name>/order-at-once", views.order_basket_at_once),
    path("orders/<str:order_id>", views.show_order),
    path("deliveries/<str:posting_id>", views.receive),
]
