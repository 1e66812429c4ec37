"""The emulator's own credentials, which open nothing else. They are here because the client knows them too; see `addresses`."""

__all__ = ["DEMO_CLIENT_ID", "DEMO_CLIENT_SECRET"]

DEMO_CLIENT_ID = "0f7e1a52-6c1d-4b0e-9a53-d0c0ffee0001"
DEMO_CLIENT_SECRET = "demo-secret-not-for-production"  # noqa: S105 - it opens the emulator and nothing else
