"""The daily run: collect, backtests, averages, signals, mails, portfolio, report, once a session after its close. May import what lies below services, and services.notify."""
