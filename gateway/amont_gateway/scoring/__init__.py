"""Models at run time: what they see, what they say; training imports this, never the reverse."""
