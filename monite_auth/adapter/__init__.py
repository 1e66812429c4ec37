"""The kit for adapters: Monite tokens need the same in every web framework, and this does it without one.

An adapter says where its framework keeps things, and translates `Answer`; docs/adapters.md is the walk-through. Every name
in `__all__` is public and stable.
"""

from monite_auth.adapter.access import MoniteAccess
from monite_auth.adapter.answers import (
    HANDLED,
    NO_STORE,
    PRIVATE,
    Answer,
    error_answer,
    error_behind,
    error_to_answer,
    forward,
    is_made_while_sent,
    json_answer,
    private_headers,
    problem,
    refuse,
)
from monite_auth.adapter.app_settings import (
    SETTING_NAMES,
    app_settings,
    unknown_variables,
    warn_of_unknown_settings,
)
from monite_auth.adapter.browser_api import (
    ApiRequest,
    AsyncStream,
    BrowserApi,
    Stream,
    StreamedAnswer,
    read_body,
)
from monite_auth.adapter.endings import (
    BrokerSource,
    abegin,
    aend,
    begin,
    carry_out,
    end,
    log_failed_ending,
    log_failed_identify,
)
from monite_auth.adapter.error_log import log_error
from monite_auth.adapter.health_endpoint import answer_health_request
from monite_auth.adapter.lazy_broker import LazyBroker
from monite_auth.adapter.origins import is_origin_of_host, parse_origins
from monite_auth.adapter.sessions import (
    BINDING,
    bind_principal,
    bound_principal,
    is_logged_out,
    new_login,
    session_of,
)
from monite_auth.adapter.setup_check import Finding, check_setup, check_user
from monite_auth.adapter.token_endpoint import (
    aanswer_token_request,
    answer_placeholder_request,
    answer_token_request,
    refuse_token_request,
    token_answer,
)
from monite_auth.adapter.visit import IdentitySource, Visit
from monite_auth.adapter.wording import missing_framework, nobody_logged_in, same_session_after_login
from monite_auth.configuration.addresses import is_local
from monite_auth.configuration.discretion import discreet
from monite_auth.configuration.unknown_settings import did_you_mean
from monite_auth.functions import AppFunction, ViewFunction, checked_answer, is_on_event_loop, kind_of
from monite_auth.identity import (
    Bindable,
    DirectoryLike,
    FunctionDirectory,
    Linkable,
    Partner,
    aask_directory,
    as_directory,
    ask_directory,
    checked_principal,
)
from monite_auth.outbox import Ending, Outbox
from monite_auth.permissions.policy import Authorize

__all__ = [
    "BINDING",
    "HANDLED",
    "NO_STORE",
    "PRIVATE",
    "SETTING_NAMES",
    "Answer",
    "ApiRequest",
    "AppFunction",
    "AsyncStream",
    "Authorize",
    "Bindable",
    "BrokerSource",
    "BrowserApi",
    "DirectoryLike",
    "Ending",
    "Finding",
    "FunctionDirectory",
    "IdentitySource",
    "LazyBroker",
    "Linkable",
    "MoniteAccess",
    "Outbox",
    "Partner",
    "Stream",
    "StreamedAnswer",
    "ViewFunction",
    "Visit",
    "aanswer_token_request",
    "aask_directory",
    "abegin",
    "aend",
    "answer_health_request",
    "answer_placeholder_request",
    "answer_token_request",
    "app_settings",
    "as_directory",
    "ask_directory",
    "begin",
    "bind_principal",
    "bound_principal",
    "carry_out",
    "check_setup",
    "check_user",
    "checked_answer",
    "checked_principal",
    "did_you_mean",
    "discreet",
    "end",
    "error_answer",
    "error_behind",
    "error_to_answer",
    "forward",
    "is_local",
    "is_logged_out",
    "is_made_while_sent",
    "is_on_event_loop",
    "is_origin_of_host",
    "json_answer",
    "kind_of",
    "log_error",
    "log_failed_ending",
    "log_failed_identify",
    "missing_framework",
    "new_login",
    "nobody_logged_in",
    "parse_origins",
    "private_headers",
    "problem",
    "read_body",
    "refuse",
    "refuse_token_request",
    "same_session_after_login",
    "session_of",
    "token_answer",
    "unknown_variables",
    "warn_of_unknown_settings",
]
