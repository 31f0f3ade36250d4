"""The yearly figures of a drinking-water network, and the sheet that the service hands in."""
