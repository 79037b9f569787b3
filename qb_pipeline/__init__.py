"""qb_pipeline keeps contractor software and QuickBooks Online in agreement, both ways, and proves it."""
