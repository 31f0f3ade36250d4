"""The dashboards, one file each; this list is what is built, checked and linked."""

from amont_dashboards.boards.duty import DUTY

ALL = (DUTY,)
