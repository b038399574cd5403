"""What stands in the folder's files: flows, prompts, schedules and routing, as written, with the line of everything."""
