"""A store in Redis is opened: addresses are read and shown without passwords, and unsafe or old servers are named."""

import asyncio
import logging
import subprocess
import sys

import pytest

from monite_auth import Secret
from monite_auth.errors import ConfigurationError
from monite_auth.stores.redis import RedisStore
from monite_auth.stores.redis.health import check_version
from tests.redis_server import RedisServer
from tests.stores.harness import ALICE, HOME
from tests.stores.live import KEY, LiveGround
from tests.stores.redis.ground import PASSWORD


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "Set appendonly yes"),
        (["--appendonly", "yes", "--appendfsync", "no"], "Set appendfsync always"),
        (["--appendonly", "yes"], None),
        (["--appendonly", "yes", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"], "noeviction"),
        (["--appendonly", "yes", "--maxmemory", "100mb", "--maxmemory-policy", "volatile-ttl"], "noeviction"),
    ],
)
def test_a_server_that_could_lose_revocations_is_named_once(options, said, drive, caplog):
    caplog.set_level(logging.WARNING)
    with RedisServer(*options) as server:
        driver = drive(LiveGround(server.url), "blocking")
        for _ in range(3):
            driver.peek()
        asyncio.run(driver.store.operations(blocking=False).peek(HOME, ALICE))
        assert len(caplog.records) == (said is not None)
        assert (said or "") in caplog.text
        assert f"127.0.0.1:{server.port}" in caplog.text or said is None


def test_an_old_server_is_named():
    with pytest.raises(ConfigurationError, match=r"is 6\.2\.14: the store needs Redis 7\.0"):
        check_version({"redis_version": "6.2.14"}, "there")
    check_version({"redis_version": "7.2.4", "valkey_version": "9.0.0"}, "there")
    check_version({}, "there")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://redis.example", "redis://redis.example:6379"),
        (f"rediss://me:{PASSWORD}@10.0.0.1:7000/3?ssl_cert_reqs=none", "rediss://10.0.0.1:7000"),
        ("redis://[::1]:7000", "redis://::1:7000"),
        (
            f"redis+sentinel://me:{PASSWORD}@a,b:1/tokens/2?sentinel_password={PASSWORD}",
            "redis+sentinel://a:26379,b:1/tokens",
        ),
        (f"rediss+cluster://:{PASSWORD}@a:1,b", "rediss+cluster://a:1,b:6379"),
        (f"redis://me:{PASSWORD.replace('-', '%2D')}@h", "redis://h:6379"),
    ],
)
def test_promise_9_an_address_is_shown_without_its_password(url, shown):
    store = RedisStore(Secret(url), keys=[KEY])
    assert repr(store) == f"<RedisStore at {shown}>"
    assert PASSWORD not in repr(vars(store))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://h", "no URL of a Redis server"),
        ("redis+magic://h", "no URL of a Redis server"),
        (f"redis://me:{PASSWORD}@/0", "no URL of a Redis server"),
        (f"redis://me:{PASSWORD}@h:port", "no URL of a Redis server"),
        (f"redis://me:{PASSWORD}@h/zero", "no URL of a Redis server"),
        (f"redis://me:{PASSWORD}@a,b", "several hosts"),
        (f"redis+sentinel://me:{PASSWORD}@a,b", "which service"),
        (f"redis+cluster://me:{PASSWORD}@a,b/3", "only one"),
        (f"redis://me:{PASSWORD}@h?magic=1", "option that redis-py does not take here .of: magic"),
        (f"redis://me:{PASSWORD}@h?health_check_interval=often", "no URL of a Redis server"),
    ],
)
def test_promise_9_an_address_that_is_wrong_is_told_without_its_password(url, problem):
    with pytest.raises(ConfigurationError, match=problem) as caught:
        RedisStore(url, keys=[KEY])
    assert PASSWORD not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_store_without_a_key_or_with_a_prefix_that_would_not_do_is_refused():
    with pytest.raises(ConfigurationError, match="needs a key to seal with"):
        RedisStore("redis://h", keys=[])
    with pytest.raises(ConfigurationError, match="without braces"):
        RedisStore("redis://h", keys=[KEY], prefix="{x}")


def test_without_redis_py_the_extra_is_named():
    code = "import sys; sys.modules['redis'] = None\nimport monite_auth.stores.redis"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'monite-auth[redis]'" in ended.stderr.splitlines()[-1]
