-- What each execution cost against the close of the last whole bar before it, in account currency; above zero = worse than the close.
SELECT e.ts, e.account, e.run, e.symbol, e.side, e.qty, e.price, b.close,
       round(CASE WHEN e.side = 'buy' THEN 1 ELSE -1 END * e.qty::DOUBLE * (e.price::DOUBLE - b.close), 2) AS slippage
FROM cerebrolab_executions e
ASOF JOIN (SELECT ts, symbol, close FROM cerebrolab_bars WHERE source = 'yahoo' AND "interval" = '1d') b ON (symbol)
ORDER BY e.ts, e.id;
