"""entities: one row per entity that a text can name: those that ship with Araxes, and those of entities.csv.

Invariants: where both name an entity, entities.csv wins; `public_figure` is true of people known for what they do in public, and of
nothing that is no person; a state has its ISO code where it has one.
"""

from schemas import BOOL, TEXT, column, pa

TYPES = ("state", "organization", "person", "place", "group")

SCHEMA = pa.schema(
    [
        column("entity_id", TEXT, "Lower-case letters, digits and underscores."),
        column("name", TEXT, "Its common name."),
        column("type", TEXT, "What it is: " + ", ".join(TYPES) + "."),
        column("public_figure", BOOL, "Whether it is a person known for what they do in public, who may be named in a public release."),
        column("wikidata_id", TEXT, "Wikidata item; null where it is not known for certain.", nullable=True),
        column("iso_3166", TEXT, "ISO 3166-1 alpha-2 code of a state; XK for Kosovo.", nullable=True),
    ]
)
KEY = ["entity_id"]
ORDER = "entity_id"
REFERENCES: dict[str, str] = {}
CHECKS = {
    "entity_id": ("str_matches", r"^[a-z0-9][a-z0-9_]*$"),
    "type": ("isin", TYPES),
    "wikidata_id": ("str_matches", r"^Q[1-9][0-9]*$"),
    "iso_3166": ("str_matches", r"^[A-Z]{2}$"),
}
ROW_CHECKS = {
    "only_a_person_is_a_public_figure": "type = 'person' OR NOT public_figure",
    "only_a_state_has_an_iso_code": "type = 'state' OR iso_3166 IS NULL",
}
EXAMPLE = {
    "entity_id": "azerbaijan",
    "name": "Azerbaijan",
    "type": "state",
    "public_figure": False,
    "wikidata_id": "Q227",
    "iso_3166": "AZ",
}
