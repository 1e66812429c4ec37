"""What our own sites add to the contract: views of both forms."""

from typing import Literal

__all__ = ["Form"]

Form = Literal["sync", "async"]
"""Whether an app's views are `def` or `async def`."""
