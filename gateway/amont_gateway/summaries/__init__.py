"""Keep the same readings by the hour and by the day, and say how good each day was."""
