"""Work out what a water service answers for: nights, days, balances, the yield, leaks."""
