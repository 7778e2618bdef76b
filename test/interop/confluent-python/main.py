"""librdkafka: main.py <bootstrap> <scenario>…"""

import administration
import groups
import records
import transactions
from driver import go_through

go_through(records.scenarios | transactions.scenarios | groups.scenarios | administration.scenarios)
