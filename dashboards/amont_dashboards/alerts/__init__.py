"""The alert rules: one model, two languages, the files that Grafana reads when it starts."""
