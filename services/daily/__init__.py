"""The daily run: collect, averages, signals, mails, portfolio, once a session after its close. May import what lies below services, and services.notify."""
