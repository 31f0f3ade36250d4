# The node. Importing it sets MicroPython's collector to work early and often: while the modules
# are compiled, that leaves the heap in one piece (57 KiB at a stretch rather than 7).

import gc

if hasattr(gc, "threshold"):
    gc.threshold(4096)
