"""The parts that `Settings` is made of, and what the environment says about connections. Private; `monite_auth.settings` is public.

| module | has |
|---|---|
| `addresses` | base URLs: which are wrong, and which are an emulator's |
| `credentials` | the client secret and the keys of a store, and the files that have them |
| `demo` | the emulator's own credentials |
| `discretion` | errors that leave without the secrets in their frames |
| `numbers`, `flags` | settings that are numbers, and those that are true or false |
| `precedence` | settings from two places |
| `proxies` | the proxy and the certificates for connections to Monite |
| `security_model` | the three security models |
| `unknown_settings` | names of settings that are misspelt |
"""
