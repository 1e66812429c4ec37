"""A job queue in a folder. The web server fills it and the worker empties it."""

from celery import Celery

__all__ = ["queue_in"]


def queue_in(folder: str) -> Celery:
    """Return a Celery app that keeps its messages and results as files in a folder."""
    app = Celery("jobs", broker="filesystem://", backend=f"file://{folder}/results")
    messages = {"data_folder_in": f"{folder}/queue", "data_folder_out": f"{folder}/queue"}
    app.conf.broker_transport_options = {
        **messages,
        "control_folder": f"{folder}/control",
        "polling_interval": 0.05,
    }
    return app
