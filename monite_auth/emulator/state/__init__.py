"""The whole state: `monite` holds it, `snapshots` says it as JSON, and `disk` keeps it in a folder."""
