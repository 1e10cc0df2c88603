"""Gold classes as taxonomies that a run is given: their names, and a sentence on each that is written from its name
alone. A catch-all class is no category: its texts count as undefined.
"""

from dataclasses import dataclass

from tnt_llm.taxonomy.edits import Add
from tnt_llm.taxonomy.version import Author, Version

UNDEFINED = "undefined"


@dataclass(frozen=True, slots=True)
class GoldCorpus:
    """A corpus with its gold classes.

    Attributes:
        name: of the file, without its suffix.
        column: where the gold label is.
        use_case: what a run is told.
        catch_all: the class that is no category.
        classes: (gold label, name of the category, description).
    """

    name: str
    column: str
    use_case: str
    catch_all: str
    classes: tuple[tuple[str, str, str], ...]

    @property
    def version(self) -> Version:
        """The taxonomy as a version that somebody brought along."""
        edits = [Add(name=name, description=text) for _, name, text in self.classes]
        return Version.first().then(edits, author=Author.IMPORTED, cap=len(edits))

    @property
    def names(self) -> dict[str, str]:
        """What a gold label is called in the taxonomy; the catch-all is undefined."""
        return {label: name for label, name, _ in self.classes} | {self.catch_all: UNDEFINED}


HWU64 = GoldCorpus(
    "hwu64",
    "scenario",
    "find out which part of a home assistant a request is for",
    "general",
    (
        ("alarm", "Alarm", "Setting, changing, asking about or switching off alarms."),
        ("audio", "Audio", "Volume of the speaker: louder, quieter, mute."),
        ("calendar", "Calendar", "Events, appointments, meetings and reminders in a calendar."),
        ("cooking", "Cooking", "Recipes, and how to cook something."),
        ("datetime", "Date and time", "What time or date it is, and time zones."),
        ("email", "Email", "Reading, writing, sending and searching emails, and their contacts."),
        ("iot", "IoT", "Smart home devices: lights, plugs, the vacuum cleaner, the coffee machine."),
        ("lists", "Lists", "Making, reading and changing lists, such as a shopping list."),
        ("music", "Music", "What music somebody likes, which song this is, and settings of music."),
        ("news", "News", "News and headlines."),
        ("play", "Play", "Playing something: music, radio, podcasts, audiobooks, games."),
        ("qa", "QA", "Questions about facts: people, definitions, sums, currencies, stock prices."),
        (
            "recommendation",
            "Recommendation",
            "Recommending something: events, places and restaurants, films.",
        ),
        ("social", "Social", "Social networks: posting a message, asking what is new there."),
        ("takeaway", "Takeaway", "Ordering takeaway food, and asking about such an order."),
        ("transport", "Transport", "Trains, taxis, tickets, traffic and the way to somewhere."),
        ("weather", "Weather", "The weather now and the forecast."),
    ),
)

IT_TICKETS = GoldCorpus(
    "it_tickets",
    "topic",
    "route helpdesk tickets to the team that handles them",
    "Miscellaneous",
    (
        ("Hardware", "Hardware", "Computers, screens, phones, printers and other devices, and their faults."),
        ("HR Support", "HR Support", "Human resources: employees who join, leave or are on leave."),
        ("Access", "Access", "Access to systems: accounts, logins, passwords, permissions."),
        ("Storage", "Storage", "Disk space, mailbox sizes, shared drives and backups."),
        ("Purchase", "Purchase", "Buying something: purchase orders, quotes, deliveries, invoices."),
        (
            "Internal Project",
            "Internal Project",
            "Work on projects inside the company: codes, members, changes.",
        ),
        (
            "Administrative rights",
            "Administrative rights",
            "Administrator rights on a computer, such as for installing software.",
        ),
    ),
)

CORPORA = {corpus.name: corpus for corpus in (HWU64, IT_TICKETS)}
