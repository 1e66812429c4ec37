"""A shared store that may be down, and what a process does meanwhile."""

from monite_auth.stores.fallback.store import FallbackStore

__all__ = ["FallbackStore"]
