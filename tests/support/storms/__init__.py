"""The storm: signals at random times into every kind of call, and an oracle that knows each answer.

`oracle` injects exceptions and accounts for every one; `weather` sends the signals; `calls` makes the calls, by kind;
`around` is what else goes on (collections, forks, threads, a watchdog); ``python -m storms KIND WEATHER`` runs one
storm in this process and prints its report, and `run` does so in a process of its own.
"""
