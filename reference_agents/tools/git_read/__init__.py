"""git_read: files of a repository, at any commit."""
