"""The command line, and all that a run of the experiments needs around it.

`cli` reads the options, `measure` runs the experiments on one of the `executors`,
`store` and `records` keep what comes out, `reference` compares it with the committed
runs, `terminal` and `report` say it. This room may import all others; none imports it.
"""
