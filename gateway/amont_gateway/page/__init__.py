"""Serve the local page: server-rendered, live by server-sent events, in French and English."""

from amont_gateway.page.app import build_app
from amont_gateway.page.pages import Secure
from amont_gateway.page.serve import Encrypted, PageServer

__all__ = ["Encrypted", "PageServer", "Secure", "build_app"]
