"""Monite's own facts: paths, headers, grants, the shapes of bodies and errors, limits and hosts of its API.

Pure: no I/O, no clock, no state. Another version or dialect of the API is a change in this folder and nowhere else; a test
keeps such facts out of the rest of the package. The emulator, which plays Monite's part, imports nothing from here, so that
it cannot share a mistake.

| module | has |
|---|---|
| `environments` | the hosts, the API version, the request limit |
| `paths`, `headers` | names that go out with every call |
| `requests` | requests, built |
| `answers` | an answer as it comes, and what may be quoted of it |
| `outcomes`, `grants`, `revocations` | what an answer about a token means |
| `dead_tokens`, `refusals` | what the words of an error are about |
| `pauses` | for how long Monite asks to be sent nothing |
| `records` | records, pages of them, and the bodies that create them |
| `vocabulary`, `operations`, `role_body` | object types and actions, the calls that need them, and roles in JSON |

This folder is private. `monite_auth.rbac` is the public face of the vocabulary, the operations and roles.
"""
