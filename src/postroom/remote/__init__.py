"""Agents far from their post room: seats and desks at a node, which is spoken to by HTTP. Nothing here opens a post room's store."""
