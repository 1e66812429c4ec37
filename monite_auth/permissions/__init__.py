"""Permissions: what a person may do, by their role in Monite or by the application's own `authorize`. Private.

`policy` asks the application before a call is sent, in the security models where it decides. `roles` reads a person's role from
Monite and keeps it for a short while. `TokenBroker` is the public face: `can`, `role`, and its clients.
"""
