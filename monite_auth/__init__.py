"""Monite access tokens for partner apps."""
