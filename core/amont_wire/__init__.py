# Amont's wire format: bytes to values and back, sealing, serial framing (docs/wire-format.md).
# Import the modules by name; nothing is re-exported here, so a small board loads only what it
# uses.
