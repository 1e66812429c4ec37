"""The store for many hosts: Redis 7 or newer, or Valkey; alone, behind sentinels, or a cluster.

Every operation is one Lua script (`lua/`), so it is atomic and one round trip. Time is the server's, with durations
going in and coming out, so that hosts whose clocks differ agree. What lies where is in `vault`, why an answer may be
lost without harm in `operations`, how a server that hangs is borne in `links`.

*What is asked of the server.* A logout and its pending revocations are as safe as Redis keeps them:

    appendonly yes               without it, a crash takes all since the last snapshot, or everything
    appendfsync always           nothing is lost; with `everysec`, which is Redis's default, a crash of Redis or of its
                                 host may take the last second or two
    maxmemory-policy noeviction  others drop keys when the memory is full; logouts work then all the same
    min-replicas-to-write 1      where there are replicas: replication lags, and a failover may take the last moment
                                 before it; a primary that has lost its replicas then refuses everything, hits too,
                                 rather than promise what the next primary would not know (so does one that cannot
                                 write its snapshots: stop-writes-on-bgsave-error)

What a crash takes, Monite ends by itself: tokens that nobody revokes expire. Behind sentinels and in a cluster all
hosts of Redis need the right time, since another one's clock counts after a failover.

*What rights the user needs* (ACL), with the prefix "monite":

    ~{monite:* resetchannels -@all +eval +evalsha +time +get +set +hget +hmget +hset +hdel +hlen +hgetall
    +zadd +zrem +zscore +zcard +zrange +zremrangebyscore +pttl +pexpire

and, if they may be had: `+info` and `+config|get` for the warnings at start-up, `+client|setinfo`, `+select` for a
database other than 0; for a cluster `+cluster|slots +cluster|shards +command`.
"""

try:
    import redis as _redis  # noqa: F401 - to say it once, and better
except ImportError:
    raise ImportError("The Redis store needs redis-py: pip install 'monite-auth[redis]'.") from None

from monite_auth.stores.redis.store import RedisStore

__all__ = ["RedisStore"]
