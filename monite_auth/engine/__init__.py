"""The engine: how tokens are minted, renewed, shared and revoked. Private: other packages use `TokenBroker`.

| to read about | open |
|---|---|
| how a caller comes to a token | `token_flow`, `single_flight`, `shared_peek` |
| how a token is minted | `mint_leader`, `token_request`, `mint`, `claim_polls`, `mint_errors` |
| who somebody is | `directory_lookup`, `unlinked` |
| how Monite is asked | `asking`, `limit_watch`, `api_client` |
| how it is renewed | `renewal` |
| how it ends | `endings`, `outbox_watch`, `exchange`, `strays`, `drain`, `sweeps` |
| where I/O happens | `runtime`, `blocking`, `event_loop`, `background`, `transport`, `network`, `loop_sockets` |
| what is handed in | `surroundings`, `revocation_epoch` |
| how it is put together | `engine` (decisions), `running` (with the runtimes of one process) |
"""
