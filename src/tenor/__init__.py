"""Tenor: a forecasting-and-decision workbench for markets.

From one study file Tenor answers four questions about a treasury-futures calendar spread, a stock or an index, and
is honest in each: what happens next, should I believe it, what should I hold, and what if?

The rooms mirror the questions (see DESIGN in the documentation): ``market`` is what is known and when, ``pricing``
what it is worth, ``factor`` what may matter, ``model`` what can learn, ``decide`` what to hold, ``trust`` whether to
believe it, ``report`` what a person looks at. ``io`` and ``app`` alone touch the world.
"""

__version__ = "0.1.0"
