"""What Monite's API looks like, as facts: its operations, and the shapes of what is sent and answered.

`operations.txt` and `shapes.txt` say how they are to be read, and are written from Monite's OpenAPI document by
`tests/data/specification.py`. `facts` reads them, `validation` checks what clients send, and `fitting` gives answers their shape.
"""
