# The entry of every board; `role` beside it says what the board is.

from amont_node.app import existing

if existing("role") and open("role").read().strip() == "bridge":
    raise SystemExit("main.py: a bridge on real hardware comes with its radio driver")

from amont_node import app

app.main(["."])
