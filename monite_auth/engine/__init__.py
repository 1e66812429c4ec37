"""The engine: how tokens are minted, renewed, shared and revoked. Private: nothing here is for other packages to import.

`flows` decides, `runtime` does what was decided, `flights` lets threads and tasks share one piece of work.
"""
