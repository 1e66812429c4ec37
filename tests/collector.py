"""What an error collector sees of an error, and settings that are wrong, one at a time, with secrets that it must not see."""

import traceback

import pytest

from tests.scripted import CLIENT_ID

CLIENT_SECRET = "THE-CLIENT-SECRET-0123456789"
STORE_KEY = "THE-STORE-KEY-0123456789"
PASSWORD = "THE-PASSWORD-OF-REDIS"
OTHERS = "THE-AWS-KEY-OF-SOMEBODY-ELSE"
NEEDLES = {CLIENT_SECRET, STORE_KEY, PASSWORD, OTHERS, "THE-PASSWORD-OF-MONITE"}

FINE = {
    "CLIENT_ID": CLIENT_ID,
    "CLIENT_SECRET": CLIENT_SECRET,
    "STORE_KEYS": STORE_KEY,
    "STORE_URL": f"redis://user:{PASSWORD}@host:6379/0",
}

WRONG = {
    "no id": {"CLIENT_ID": "x"},
    "the secret as the id": {"CLIENT_ID": CLIENT_SECRET},
    "a secret with a line break": {"CLIENT_SECRET": CLIENT_SECRET + "\n"},
    "no secret": {"CLIENT_SECRET": " "},
    "a file as well": {"CLIENT_SECRET_FILE": "/nowhere"},
    "the secret as its file": {"CLIENT_SECRET": "", "CLIENT_SECRET_FILE": CLIENT_SECRET},
    "the keys as their file": {"STORE_KEYS": "", "STORE_KEYS_FILE": STORE_KEY},
    "environment": {"ENVIRONMENT": "moon"},
    "two addresses": {"ENVIRONMENT": "eu", "BASE_URL": "https://x.example/v1"},
    "http": {"BASE_URL": "http://x.example/v1"},
    "http to a neighbour": {"BASE_URL": "http://monite:8090/v1"},
    "a password for Monite": {"BASE_URL": "https://user:THE-PASSWORD-OF-MONITE@x.example/v1"},
    "a password for Monite, and no port": {
        "BASE_URL": "https://user:THE-PASSWORD-OF-MONITE@x.example:port/v1"
    },
    "api_version": {"API_VERSION": "2024-13-25"},
    "security_model": {"SECURITY_MODEL": "trust"},
    "a short key": {"STORE_KEYS": f"{STORE_KEY},short"},
    "no store": {"STORE_URL": f"mysql://user:{PASSWORD}@host/0"},
    "no scheme": {"STORE_URL": f"user:{PASSWORD}@host"},
    "token_scope": {"TOKEN_SCOPE": "request"},
    "deadline": {"DEADLINE": "soon"},
    "lease": {"LEASE": "-1"},
    "requests_per_second": {"REQUESTS_PER_SECOND": "nan"},
    "call_patience": {"CALL_PATIENCE": "61"},
    "min_browser_ttl": {"MIN_BROWSER_TTL": "1e9"},
    "connect_timeout": {"CONNECT_TIMEOUT": "0"},
    "read_timeout": {"READ_TIMEOUT": "inf"},
    "expiry_margin": {"EXPIRY_MARGIN": "60"},
    "renewal_share": {"RENEWAL_SHARE": "all"},
    "renewal_jitter": {"RENEWAL_JITTER": "2"},
    "renewal_margin": {"RENEWAL_MARGIN": "-1"},
    "session_memory": {"SESSION_MEMORY": "ever"},
    "require_sessions": {"REQUIRE_SESSIONS": "perhaps"},
    "account": {"ACCOUNT": "a\tb"},
}

OF_REDIS = {
    "no port": f"redis://user:{PASSWORD}@host:port/0",
    "no database": f"redis://user:{PASSWORD}@host/zero",
    "no host": f"redis://user:{PASSWORD}@/0",
    "several hosts": f"redis://user:{PASSWORD}@a,b/0",
    "no service": f"redis+sentinel://user:{PASSWORD}@a,b",
    "a database of a cluster": f"redis+cluster://user:{PASSWORD}@a,b/3",
    "an option": f"redis://user:{PASSWORD}@host/0?magic=1",
    "a value of an option": f"redis://host/0?password={PASSWORD}&health_check_interval=often",
    "certificates": f"rediss://user:{PASSWORD}@host/0?ssl_cert_reqs=bogus&ssl_ca_certs=/nowhere",
    "a password of sentinels": f"redis+sentinel://host/?sentinel_password={PASSWORD}",
}


def leaks(error: BaseException) -> set[str]:
    """Return the secrets that an error collector would see."""
    seen = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    ahead: list[BaseException | None] = [error]
    done: list[BaseException] = []
    while ahead:
        link = ahead.pop()
        if link is None or link in done:
            continue
        done.append(link)
        seen += f"{link} {link!r} {link.args!r} {link.__dict__!r}"
        ahead += [link.__cause__, link.__context__]
        frame = link.__traceback__
        while frame is not None:
            seen += "".join(repr(value) for value in frame.tb_frame.f_locals.values())
            frame = frame.tb_next
    return {needle for needle in NEEDLES if needle in seen}


def refused(call):
    """Return the error; the frames of this test begin below it."""
    with pytest.raises(Exception) as caught:
        call()
    error = caught.value
    error.__traceback__ = error.__traceback__.tb_next  # this function's own frame
    return error
