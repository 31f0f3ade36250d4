"""Install, upgrade and take back releases on the machine in the town hall.

Runs from the wheel itself, on the system's Python alone: nothing outside the standard library may
be imported here, but in ``trial``, which runs on the new release's own Python.
"""
