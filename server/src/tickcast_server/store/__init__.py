"""Where bars and features are kept: Valkey or Redis, and this process's copy of it."""
