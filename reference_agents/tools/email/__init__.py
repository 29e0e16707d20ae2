"""Mail: a tool that sends, a tool that reads a thread, and the server that takes what is sent."""
