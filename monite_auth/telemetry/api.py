"""OpenTelemetry's API, as far as metrics and spans use it. It is an extra: without it, nobody imports this module."""

try:
    from opentelemetry import metrics, trace
    from opentelemetry.context import attach, detach
except ImportError as error:
    raise ImportError(
        f"{__name__} needs OpenTelemetry's API; install it with: pip install 'monite-auth[otel]'",
        name=error.name,
    ) from error

__all__ = ["attach", "detach", "metrics", "trace"]
