"""What the embedded model answered to the messages of benchmarks/steering/dev.jsonl, as it did (prompt plan@1)."""

from typing import Any

ANSWERS: dict[str, list[dict[str, Any]]] = {
    "d01": [{"do": "remove", "category": 12}],
    "d02": [
        {
            "do": "add",
            "name": "Carbon offsetting",
            "description": "Questions about emissions and how to compensate for them.",
            "under": 0,
        }
    ],
    "d03": [{"do": "undo"}],
    "d04": [{"do": "merge", "categories": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], "name": "Hacked"}],
    "d05": [{"do": "ask", "about": "texts", "category": 9, "text": "", "count": 0}],
    "d06": [{"do": "merge", "categories": [4, 8, 11], "name": ""}],
    "d07": [{"do": "rename", "category": 3, "name": "Delays and Cancellations"}],
    "d08": [
        {
            "do": "split",
            "category": 3,
            "parts": [{"name": "Delays", "description": ""}, {"name": "Cancellations", "description": ""}],
        }
    ],
    "d09": [{"do": "approve"}],
    "d10": [{"do": "rename", "category": 7, "name": "Baggage"}, {"do": "remove", "category": 12}],
    "d11": [{"do": "split", "category": 3, "parts": []}],
    "d12": [{"do": "none", "reply": "That is no request about the categories."}],
    "d13": [{"do": "rule", "text": "At most 8 categories", "most": 8, "language": "", "purpose": False}],
    "d14": [{"do": "move", "category": 2, "under": 0}],
    "d15": [{"do": "rename", "category": 11, "name": "Special Assistance"}],
    "d16": [{"do": "move", "category": 12, "under": 0}],
    "d17": [
        {"do": "remove", "category": 1},
        {"do": "remove", "category": 2},
        {"do": "remove", "category": 3},
        {"do": "remove", "category": 4},
        {"do": "remove", "category": 5},
        {"do": "remove", "category": 6},
    ],
    "d18": [{"do": "add", "name": "Unaccompanied Minors", "description": "", "under": 0}],
    "d19": [{"do": "split", "category": 1, "parts": []}, {"do": "merge", "categories": [4, 8], "name": ""}],
    "d20": [
        {"do": "rule", "text": "sort by cause, not by product", "most": 0, "language": "", "purpose": True}
    ],
    "d21": [{"do": "merge", "categories": [3, 8], "name": ""}],
    "d22": [{"do": "ask", "about": "overlap", "category": 1, "text": "", "count": 0}],
    "d23": [{"do": "add", "name": "Upgrades", "description": "Upgrades related to seat issues.", "under": 8}],
    "d24": [{"do": "move", "category": 12, "under": 11}],
    "d25": [{"do": "merge", "categories": [11, 12], "name": "Special Assistance"}],
    "d26": [{"do": "rename", "category": 5, "name": "Lost luggage"}],
    "d27": [{"do": "ask", "about": "overlap", "category": 6, "text": "", "count": 0}],
    "d28": [{"do": "split", "category": 7, "parts": []}],
    "d29": [{"do": "remove", "category": 12}],
    "d30": [
        {
            "do": "rule",
            "text": "write everything in french",
            "most": 0,
            "language": "French",
            "purpose": False,
        }
    ],
}
