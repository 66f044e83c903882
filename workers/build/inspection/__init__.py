"""What was built is opened and looked at before it counts. Archives and binaries are a stranger's."""
