"""The decisions: pure functions over a customer, a command and the circumstances that the log tells."""

import zoneinfo

# The time zone database is part of the rules: the pinned one (tzdata), never the machine's.
zoneinfo.reset_tzpath(to=())
