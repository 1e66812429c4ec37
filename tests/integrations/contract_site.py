"""The addition of our own sites to the contract: both forms of views."""

from typing import Literal

__all__ = ["Form"]

Form = Literal["sync", "async"]
"""Whether an app's views are `def` or `async def`."""
