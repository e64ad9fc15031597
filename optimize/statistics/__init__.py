"""Statistics of many trials: pure functions on simple session returns and their block moments.

Sharpe ratios and their errors, effective number of trials, overfitting, cross-validation, bootstrap, Monte Carlo.
Imports numpy, scipy, numba, core and analyzers.metrics; knows no engine and no database.
"""
