"""Croissant: croissant.json, the release in the vocabulary of Croissant 1.1 with its RAI extension, for dataset search and loaders.

https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html, https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html.
Paths are relative to the release. What araxes.toml does not say stays out: nothing is made up, though the vocabulary asks for it.
"""

import re
from pathlib import Path

import pyarrow as pa

import schemas
from flows.release.card import splits
from flows.release.papers import BIASES, CONFLICT, MACHINE_TIERS, MAINTENANCE, MISUSES, PERSONAL, STEPS, USES, doi, grain, person, spdx, url
from flows.release.provenance import sha256

CONFORMS = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
# The context that the specification recommends, which readers expect as it is.
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
TYPES = {"string": "sc:Text", "int64": "sc:Integer", "double": "sc:Float", "bool": "sc:Boolean"}
# What the splits are for; the table `splits` has its name already.
SPLITS = "split_names"
PURPOSES = {"train": "cr:TrainingSplit", "validation": "cr:ValidationSplit", "test": "cr:TestSplit"}


def croissant(release: Path, dataset: dict, version: str, figures: dict) -> dict:
    """The metadata of the tables in `release` as JSON-LD. `figures` are what papers.measure counted."""
    names = list(figures["rows"])
    title = dataset.get("title") or dataset["name"]
    found = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": dataset["name"],
        "alternateName": title if title != dataset["name"] else None,
        "description": dataset.get("purpose")
        or f"{title}: news articles as saved by their readers, traced to the bytes of their captures.",
        "conformsTo": CONFORMS,
        "version": version,
        "datePublished": date if re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", date := dataset.get("date_published") or "") else None,
        "license": _license(dataset.get("license")),
        "citeAs": dataset.get("citation"),
        "url": url(dataset.get("url")),
        "sameAs": doi(dataset.get("doi")) and f"https://doi.org/{doi(dataset['doi'])}",
        "creator": [_creator(name) for name in dataset.get("creators", [])],
        "keywords": dataset.get("tags"),
        "inLanguage": sorted(code for code, _ in figures["languages"]),
        "isLiveDataset": False,
        **_rai(dataset, figures),
        "distribution": [node for name in names for node in _distribution(release, name)],
        "recordSet": [*_split_names(release, names), *(_record_set(release, name) for name in names)],
    }
    return {key: value for key, value in found.items() if value not in (None, [], "")}


def _license(license: str | None) -> str | None:
    known = spdx(license)
    return f"https://spdx.org/licenses/{known}.html" if known else license


def _creator(name: str) -> dict:
    if parts := person(name):
        return {"@type": "sc:Person", "name": f"{parts[1]} {parts[0]}", "familyName": parts[0], "givenName": parts[1]}
    return {"@type": "sc:Organization", "name": name}


def _rai(dataset: dict, f: dict) -> dict:
    """What the RAI extension asks, as far as it can be counted or was said."""
    media = ", ".join(f"{kind} ({n:,})" for kind, n in f["media_types"])
    missing = {"title": "titles", "author": "bylined", "date of publication": "dated", "outlet": "with_outlet"}
    tiers = ", ".join(f"{layer} {tier} ({n:,})" for layer, tier, n in f["tiers"])
    return {
        "rai:dataCollection": dataset.get("collection"),
        "rai:dataCollectionRawData": f"Saved pages, by media type: {media}." if media else None,
        "rai:dataCollectionMissingData": "Documents where it is not known: "
        + ", ".join(f"{what} {f['documents']['n'] - f['documents'][name]:,}" for what, name in missing.items())
        + f". Documents whose words are withheld: {f['documents']['withheld']:,}.",
        "rai:dataPreprocessingProtocol": list(STEPS),
        "rai:dataAnnotationProtocol": [f"Labels by layer and tier: {tiers}. Of these, {', '.join(MACHINE_TIERS)} are machine guesses."]
        if tiers
        else None,
        "rai:annotationsPerItem": f"{f['per_item']['least']} to {f['per_item']['most']} by people" if f["per_item"]["most"] else None,
        "rai:annotatorDemographics": [dataset["annotators"]] if dataset.get("annotators") else None,
        "rai:machineAnnotationTools": [f"{name} ({kind})" for name, kind, _ in f["machines"]],
        "rai:dataBiases": [*BIASES, *([dataset["biases"]] if dataset.get("biases") else [])],
        "rai:dataUseCases": list(USES),
        "rai:dataLimitations": [*(f"Not for this: {use}" for use in MISUSES), *([dataset["limits"]] if dataset.get("limits") else [])],
        "rai:dataSocialImpact": CONFLICT,
        "rai:personalSensitiveInformation": [PERSONAL],
        "rai:dataReleaseMaintenancePlan": MAINTENANCE,
    }


def _distribution(release: Path, name: str) -> list[dict]:
    """The files of a table, and where there are several the set of them."""
    paths = [path for found in splits(release, name).values() for path in found]
    nodes = [
        {
            "@type": "cr:FileObject",
            "@id": path.relative_to(release).as_posix(),
            "name": path.name,
            "contentUrl": path.relative_to(release).as_posix(),
            "contentSize": f"{path.stat().st_size} B",
            "encodingFormat": "application/x-parquet",
            "sha256": sha256(path),
        }
        for path in paths
    ]
    if len(paths) == 1:
        return nodes
    whole = {"@type": "cr:FileSet", "@id": f"{name}-files", "name": name, "encodingFormat": "application/x-parquet"}
    return [*nodes, whole | {"includes": f"data/{name}/*.parquet"}]


def _split_names(release: Path, names: list[str]) -> list[dict]:
    found = {split: None for name in names if len(parts := splits(release, name)) > 1 for split in parts}
    if not found:
        return []
    fields = [
        {"@type": "cr:Field", "@id": f"{SPLITS}/name", "name": "name", "dataType": "sc:Text"},
        {"@type": "cr:Field", "@id": f"{SPLITS}/url", "name": "url", "dataType": ["sc:URL", "cr:Split"]},
    ]
    data = [{f"{SPLITS}/name": split, f"{SPLITS}/url": url} for split, url in PURPOSES.items() if split in found]
    return [
        {
            "@type": "cr:RecordSet",
            "@id": SPLITS,
            "name": SPLITS,
            "description": "What the parts of a table are for.",
            "dataType": "cr:Split",
            "key": {"@id": f"{SPLITS}/name"},
            "field": fields,
            "data": data,
        }
    ]


def _record_set(release: Path, name: str) -> dict:
    module = schemas.table(name)
    paths = [path for found in splits(release, name).values() for path in found]
    source = {"fileObject": {"@id": paths[0].relative_to(release).as_posix()}} if len(paths) == 1 else {"fileSet": {"@id": f"{name}-files"}}
    fields = [_field(f"{name}/{field.name}", field, source, field.name) for field in module.SCHEMA]
    if len(paths) > 1:
        fields = [field for field in fields if field["@id"] != f"{name}/split"] + [_split_field(release, name)]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": grain(name),
        "key": [{"@id": f"{name}/{column}"} for column in module.KEY],
        "field": fields,
    }


def _split_field(release: Path, name: str) -> dict:
    """The split of a row, by the path of its file, so that a reader who wants one split opens its file alone."""
    # mlcroissant puts what the pattern captured through it once more, so it has to match that too.
    pattern = rf"(?:data/{name}/)?({'|'.join(splits(release, name))})(?:-.+parquet)?$"
    return {
        "@type": "cr:Field",
        "@id": f"{name}/split",
        "name": "split",
        "description": "The part of the table a row is in.",
        "dataType": "sc:Text",
        "source": {"fileSet": {"@id": f"{name}-files"}, "extract": {"fileProperty": "fullpath"}, "transform": {"regex": pattern}},
        "references": {"field": {"@id": f"{SPLITS}/name"}},
    }


def _field(key: str, field: pa.Field, source: dict, column: str, path: str | None = None) -> dict:
    """A column, or a part of one: `path` leads to it in the values of the column."""
    kind = field.type.value_type if pa.types.is_list(field.type) else field.type
    found: dict = {"@type": "cr:Field", "@id": key, "name": field.name}
    if field.metadata and b"description" in field.metadata:
        found["description"] = field.metadata[b"description"].decode()
    if pa.types.is_list(field.type):
        found |= {"isArray": True, "arrayShape": "-1"}
    if pa.types.is_struct(kind):
        parts = [_field(f"{key}/{part.name}", part, source, column, f"{path}.{part.name}" if path else part.name) for part in kind]
        return found | {"subField": parts}
    how = {"extract": {"column": column}} | ({"transform": {"jsonPath": path}} if path else {})
    return found | {"dataType": TYPES[str(kind)], "source": source | how}
