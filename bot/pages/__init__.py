"""Web pages to look at: what a run found out, with its evidence."""
