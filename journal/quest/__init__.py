"""QuestDB beside the journal: an append-only copy of executions and equity, and bars, for analysis. The journal stays the truth.

    with closing(Database("journal.db")) as journal, Quest("questdb://admin:quest@127.0.0.1:9000") as quest:
        follow(journal, quest)  # copies what is new
        quest.executions("ACCOUNT")

May import core and the modules of `journal`.
"""

from core.questdb_server import QuestAway
from journal.quest.follower import Standing, follow, standings
from journal.quest.quest import Quest

__all__ = ["Quest", "QuestAway", "Standing", "follow", "standings"]
