"""The store for many hosts: Redis 7 or newer, or Valkey; alone, behind sentinels, or a cluster.

Every operation is one Lua script (`lua/`), so it is atomic and one round trip. Time is the server's, with durations
going in and coming out, so that hosts whose clocks differ agree.

| file | has |
|---|---|
| `store` | RedisStore: accounts and forms of operations |
| `operations` | all operations, and why each may be sent twice; by concern in `tokens`, `sessions`, `revocations`, `notes`, `budget`, `status` |
| `execution` | how an operation becomes a script |
| `connections`, `thread_connections`, `loop_connections`, `process_connections` | what is tried again; the connections of threads, of an event loop, and all together |
| `servers`, `lanes` | which node hangs; the limits of connections to each |
| `topologies`, `address` | redis-py's clients; the URL |
| `errors`, `health` | what can go wrong with the server; checks at the start |
| `scripts`, `keyspace`, `records` | the scripts; where things lie; what the values are |
| `keys` | the account's envelope in Redis |

*What is asked of the server.* A logout and its pending revocations are as safe as Redis keeps them:

    appendonly yes               Without it, a crash loses everything since the last snapshot, or everything.
    appendfsync always           Nothing is lost. With `everysec`, Redis's default, a crash of Redis or of its host may
                                 lose the last second or two.
    maxmemory-policy noeviction  Other policies drop keys when the memory is full. Logouts still work then.
    min-replicas-to-write 1      Where there are replicas: replication lags, and a failover may lose the last moment
                                 before it. A primary that has lost its replicas then refuses everything, hits too,
                                 because the next primary would not know of it. (So does a primary that cannot write
                                 its snapshots: stop-writes-on-bgsave-error.)

Tokens whose revocation a crash has lost expire by themselves. Behind sentinels and in a cluster all hosts of Redis need
the right time, since another host's clock counts after a failover.

*The rights that the user needs* (ACL), with the prefix "monite":

    ~{monite:* resetchannels -@all +eval +evalsha +time +get +set +hget +hmget +hset +hdel +hlen +hgetall
    +zadd +zrem +zscore +zcard +zrange +zremrangebyscore +pttl +pexpire

Where they are granted, these are used too: `+info` and `+config|get` for the warnings at start-up, `+client|setinfo`,
and `+select` for a database other than 0. A cluster needs `+cluster|slots +cluster|shards`.
"""

try:
    import redis as _redis  # noqa: F401 - to name the extra, here and only here
except ImportError:
    raise ImportError("The Redis store needs redis-py: pip install 'monite-auth[redis]'.") from None

from monite_auth.stores.redis.store import RedisStore

__all__ = ["RedisStore"]
