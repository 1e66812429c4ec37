"""A queue of jobs that is a folder, for the web server that fills it and the worker that empties it."""

from celery import Celery

__all__ = ["queue_in"]


def queue_in(folder: str) -> Celery:
    """Return an app whose messages and results are files in a folder."""
    app = Celery("jobs", broker="filesystem://", backend=f"file://{folder}/results")
    messages = {"data_folder_in": f"{folder}/queue", "data_folder_out": f"{folder}/queue"}
    app.conf.broker_transport_options = {
        **messages,
        "control_folder": f"{folder}/control",
        "polling_interval": 0.05,
    }
    return app
