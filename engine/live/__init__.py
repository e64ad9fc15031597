"""Live runs: today's decision of a target strategy for one account, journalled before it is traded, sent in its window.

`wanted` turns bars and holdings into wanted orders, `sending` brings them to Alpaca exactly once, `daily` is the run that a
scheduler may start as often as it likes. May import journal, brokers, strategies, sizers, feeds and the rest of engine.
"""
