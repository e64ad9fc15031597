"""Notifications: what strategies advise, as mails to those who follow them. May import what lies below services."""
