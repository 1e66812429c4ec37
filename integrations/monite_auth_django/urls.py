"""`path("monite/", include("monite_auth_django.urls"))` serves `monite/token`, named `monite:token`."""

from django.urls import path

from monite_auth_django.views import token

app_name = "monite"
urlpatterns = [path("token", token, name="token")]
