# Runs the checks of the modules named as arguments: every function check_*. On both Pythons.

import sys

for name in sys.argv[1:]:
    module = __import__(name)
    for entry in sorted(dir(module)):
        if entry.startswith("check_"):
            getattr(module, entry)()
            print("ok %s.%s" % (name, entry))
