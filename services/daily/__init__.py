"""The daily run: collect, averages, signals, mails, channels, backtests, portfolio, report, once a session after its close. May import what lies below services, and services.notify."""
