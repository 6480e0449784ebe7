"""The loop that trains, and what it stands on: objective, optimizer, schedule, precision, processes."""
