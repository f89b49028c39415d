"""Readers of answers people gave elsewhere: their layouts, and what is said where a folder has another."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.readers import gold
from flows.readers.folder import CorpusError

TEXT = "“The pump,” said Ada Brandt, “is dry.”\nNobody asked."
ANN = (
    "T1\tSource 18 28\tAda Brandt\n"
    "T2\tCue 13 17\tsaid\n"
    "T3\tContent 0 12;30 39\t“The pump,” “is dry.”\n"
    "T4\tAttribution 13 17\tsaid\n"
    "E1\tAttribution:T4 Content:T3 Cue:T2 Source:T1\n"
    "A1\tSomething E1\n"
)


def polnear(root, part="dev", text=TEXT, ann=ANN):
    for name in ("text", "attributions"):
        (root / part / name).mkdir(parents=True, exist_ok=True)
    (root / part / "text" / "mill.txt").write_bytes(text.encode())
    (root / part / "attributions" / "mill_b.ann").write_text("", "utf-8")
    (root / part / "attributions" / "mill_a.ann").write_bytes(ann.encode())
    return root


def test_an_article_has_its_attributions_with_spans_in_pieces(tmp_path):
    (article,) = gold.polnear(polnear(tmp_path), "dev")
    (found,) = article.attributions
    assert article.name == "mill"
    assert article.text == TEXT
    assert found == gold.Quoted([(18, 28)], [(13, 17)], [(0, 12), (30, 39)])


def test_an_article_without_annotations_is_left_out(tmp_path):
    polnear(tmp_path)
    (tmp_path / "dev" / "text" / "other.txt").write_text("Nothing.", "utf-8")
    assert [a.name for a in gold.polnear(tmp_path, "dev")] == ["mill"]


def test_the_sets_own_layout_has_a_folder_data(tmp_path):
    polnear(tmp_path / "data")
    assert [a.name for a in gold.polnear(tmp_path, "dev")] == ["mill"]


def test_offsets_count_line_ends_as_they_are(tmp_path):
    (article,) = gold.polnear(polnear(tmp_path, text="One.\r\nTwo."), "dev")
    assert article.text == "One.\r\nTwo."


def test_an_event_with_two_contents_has_both():
    lines = "T1\tContent 0 3\tOne\nT2\tContent 5 8\tTwo\nT3\tCue 4 5\t:\nE1\tAttribution:T3 Content:T1 Content2:T2 Cue:T3\n"
    assert gold.brat(lines)[0].content == [(0, 3), (5, 8)]


def test_a_folder_of_another_layout_is_named(tmp_path):
    with pytest.raises(CorpusError, match="no folder dev/text"):
        list(gold.polnear(tmp_path, "dev"))


def test_sentences_keep_quoted_quotation_marks(tmp_path):
    (tmp_path / "x_english_dev.tsv").write_text(
        'Sentence_id\tText\tclass_label\n1\t"He said ""no"" twice."\tYes\n2\tWell.\tNo\n3\tBroken.\tNo29\n', "utf-8"
    )
    assert gold.checkthat(tmp_path, "dev") == [
        gold.Asked('He said "no" twice.', "yes"),
        gold.Asked("Well.", "no"),
        gold.Asked("Broken.", "no"),
    ]


def test_tweets_keep_their_quotation_marks(tmp_path):
    (tmp_path / "x_train.tsv").write_text('topic\ttweet_text\tclass_label\na\t"Dry, says the mill.\t1\na\tWell\t0\n', "utf-8")
    assert [a.text for a in gold.checkthat(tmp_path, "train")] == ['"Dry, says the mill.', "Well"]


@pytest.mark.parametrize("names", [(), ("a_dev.tsv", "b_dev.tsv")])
def test_which_file_is_meant_has_to_be_plain(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("Text\tclass_label\n", "utf-8")
    with pytest.raises(CorpusError, match="one language of one year"):
        gold.checkthat(tmp_path, "dev")


def test_a_file_with_other_columns_is_named(tmp_path):
    (tmp_path / "x_dev.tsv").write_text("a\tb\n1\t2\n", "utf-8")
    with pytest.raises(CorpusError, match="no columns Text and class_label"):
        gold.checkthat(tmp_path, "dev")


def test_tweets_of_semeval_in_their_code_page(tmp_path):
    rows = ["Let it sail… caf\u00e9\tFAVOR", "Sink it\tAGAINST", "Hm\tUNKNOWN"]
    lines = "ID\tTarget\tTweet\tStance\r" + "".join(f"{i}\tThe ferry\t{row}\r" for i, row in enumerate(rows))
    (tmp_path / "trainingdata-all-annotations.txt").write_bytes(lines.encode("cp1252"))
    assert gold.semeval(tmp_path, "train") == [
        gold.Asked("Let it sail… caf\u00e9", "favor", "The ferry"),
        gold.Asked("Sink it", "against", "The ferry"),
    ]
    with pytest.raises(CorpusError, match="testdata-taskA"):
        gold.semeval(tmp_path, "test")


def test_tables_of_a_release_with_all_their_splits(tmp_path):
    for table, name, n in (
        ("documents", "train-00000-of-00001", 1),
        ("stances_gold", "train-00000-of-00001", 2),
        ("stances_gold", "test-00000-of-00001", 3),
    ):
        folder = tmp_path / "data" / table
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"n": list(range(n))}), folder / f"{name}.parquet")
    found = gold.release_tables(tmp_path, ("documents", "stances_gold", "claims_gold"))
    assert {name: len(rows) for name, rows in found.items()} == {"documents": 1, "stances_gold": 5, "claims_gold": 0}


def test_what_is_no_release_is_named(tmp_path):
    with pytest.raises(CorpusError, match="no release"):
        gold.release_tables(tmp_path, ("documents",))
