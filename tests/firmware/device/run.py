# Runs the checks of the modules named as arguments: every function check_*, or the one that is
# named behind a dot. On both Pythons.

import sys

for argument in sys.argv[1:]:
    name, _, only = argument.partition(".")
    module = __import__(name)
    for entry in sorted(dir(module)):
        if entry.startswith(only or "check_"):
            getattr(module, entry)()
            print("ok %s.%s" % (name, entry))
