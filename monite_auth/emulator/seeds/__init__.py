"""Worlds in YAML or JSON: `files` reads them, `export` writes them, and `kinds` says what stands in them."""
