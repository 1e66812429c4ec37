"""The pages of the example, and Monite's API for those that are Monite's own React SDK."""

from django.urls import include, path
from django.views.generic import RedirectView
from django.views.static import serve

from examples.django_app import views
from examples.shared.pages import STATIC

urlpatterns = [
    path("", RedirectView.as_view(url="/invoices")),
    path("invoices", views.invoices),
    path("invoices/<uuid:invoice_id>/delete", views.delete_invoice),
    path("office", views.office),
    path("organization", views.switch_organization),
    path("login", views.log_in),
    path("logout", views.log_out),
    path("monite/", include("monite_auth_django.urls")),  # Monite's API, for our own pages
    path("static/<path:path>", serve, {"document_root": STATIC}),  # in production a web server serves these
]
