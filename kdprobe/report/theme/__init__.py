"""How a report looks: the page's template, its style and script, and the only place that knows seaborn."""
