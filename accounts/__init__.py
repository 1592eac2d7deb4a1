"""Who may do what: users, roles, and the record of every action with its undo."""
