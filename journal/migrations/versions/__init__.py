"""One migration a file, in the order of their revisions. What has been released is not changed any more."""
