"""How alike two tasks are, and how much of a task an encoder's vectors already tell."""
