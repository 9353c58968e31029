"""What Feast finds here: the objects of every installed domain, built from its declarations.

Views of your own go into a file beside this one, as Feast's documentation shows.
"""

from lakehouse.adapters.feast.definitions import installed

globals().update(installed())
