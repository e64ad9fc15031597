-- Profit and loss a day of every account and run ('' = all of the account): the last equity of a day less that of the day before it.
WITH days AS (
    SELECT ts AS day, account, run, last(equity) AS equity
    FROM cerebrolab_equity
    SAMPLE BY 1d ALIGN TO CALENDAR
)
SELECT d.day, d.account, d.run, d.equity, d.equity - before.equity AS profit
FROM days d
LT JOIN days before ON (account, run)
ORDER BY d.account, d.run, d.day;
