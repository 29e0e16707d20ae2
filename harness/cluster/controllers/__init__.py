"""What keeps pods in line with the objects that ask for them: one kind of object, one file."""
