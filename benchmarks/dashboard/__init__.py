"""Draws docs/images/dashboard.svg from a real run: `python -m benchmarks.dashboard`, which takes five minutes. It is no benchmark.

| to read about | open |
|---|---|
| the processes: a local Monite, Redis, two of the example app, Prometheus | `ground` |
| what happens meanwhile: a storm of logins, the token store down, Monite down | `story` |
| what the dashboard's panels ask Prometheus, and its answers | `panels` |
| the picture | `picture` |
"""
