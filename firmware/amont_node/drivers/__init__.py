# One chip a file: a decoder that takes bytes or times, and a probe that takes a bus. buses.py
# alone touches `machine`. docs/drivers.md names the fields and the datasheets.
