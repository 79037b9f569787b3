"""What each QBO entity is: its properties, its rules, what can be asked and done with it."""
