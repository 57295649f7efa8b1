"""What alarms are worth on recorded streams: where nothing changes, after dated changes, and where sensors fail."""
