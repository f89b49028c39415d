"""Labellers: one interface, votes that the corpus folder takes, and what each of them learns, abstains from and keeps."""

import json
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.corpus import votes
from flows.labellers import Passage, Target, crf, endpoint, on_target, rules, sklearn, spans
from flows.labellers.tokens import page

DOC = "9f86d081884c7d659a2f"
TEXT = "It rained. Ada Brandt said the pump was dry."
FERRY, BRIDGE = Target("ferry", "The ferry"), Target("bridge", "The bridge")
SENTENCE = Passage(f"{DOC}-s60-95", "Ada Brandt said the pump was dry.", "", "en")


def document(text: str) -> Passage:
    """A document whose words begin at byte 60 of its capture."""
    return Passage(DOC, text, "", "en", "author", lambda a, b: (60 + a, 60 + b), rules.segments_of(text))


def test_a_passage_is_voted_on_under_the_id_of_its_stance():
    assert on_target(SENTENCE, FERRY).item_id == f"{DOC}-t60-95-author-ferry"
    stance = SENTENCE._replace(item_id=f"{DOC}-t60-95-unnamed-ferry")
    assert on_target(stance, FERRY) == stance


# Rules


def test_the_rules_mark_bytes():
    (vote,) = rules.label(document(TEXT), [])
    assert votes.vote(vote)["value"] == '{"content": [[87, 103]], "cue": [[82, 86]], "source": [[71, 81]], "type": "indirect"}'
    assert (vote["item_id"], vote["exact"], vote["annotator_type"]) == (f"{DOC}-a71-103", TEXT[11:43], "rule")


def test_the_rules_abstain_where_nothing_can_be_marked_and_say_where_nothing_was_found():
    assert rules.label(SENTENCE, []) is None
    assert rules.label(document("It rained."), []) == []


def test_statements_with_figures_rank_above_questions_and_thanks():
    ranked = [
        "The mill cut 400 jobs, a third of all in 1998.",
        "The mill was closed by the town.",
        "Should we not ask the town?",
        "Thank you.",
    ]
    assert sorted(ranked, key=rules.worth_checking, reverse=True) == ranked


@given(st.text())
def test_no_text_stops_the_rules(text):
    rules.worth_checking(text)
    rules.label(document(text), [])


# Whole texts

FACTS = [f"The {thing} cost {n} million in {1990 + n}." for n in range(2, 22) for thing in ("dam", "mill")]
TALK = [
    f"{word}, I {verb} we should talk, {name}."
    for name in ("Ada", "Orin", "Tove", "Bo", "Ivo")
    for verb in ("think", "hope")
    for word in ("Well", "Yes", "No", "Oh")
]


@pytest.fixture(scope="module")
def worth():
    return sklearn.train(FACTS + TALK, ["yes"] * len(FACTS) + ["no"] * len(TALK))


def test_a_model_learns_what_it_was_told(worth):
    odds = sklearn.probabilities(worth, ["The lock cost 7 million in 2003.", "Well, I hope we should go."])
    assert worth.classes == ("no", "yes")
    assert odds[0, 1] > 0.7 > 0.3 > odds[1, 1]
    assert np.allclose(odds.sum(axis=1), 1)


def test_a_model_comes_back_as_it_was_saved(worth, tmp_path):
    sklearn.save(worth, tmp_path / "deep" / "m.joblib")
    again = sklearn.load(tmp_path / "deep" / "m.joblib")
    assert np.array_equal(sklearn.probabilities(again, FACTS), sklearn.probabilities(worth, FACTS))


def test_three_answers_and_targets():
    texts = [
        f"The {t}: {w} {k}" for t in ("ferry", "bridge") for k in "abcdef" for w in ("welcome great", "shameful awful", "opens at nine")
    ]
    model = sklearn.train(texts, ["favor", "against", "none"] * 12)
    label = sklearn.labeller(model, "stance", "mine")
    found = label(SENTENCE._replace(text="What a great and welcome day"), [FERRY, BRIDGE])
    assert [(v["item_id"], v["value"]) for v in found] == [
        (f"{DOC}-t60-95-author-ferry", "favor"),
        (f"{DOC}-t60-95-author-bridge", "favor"),
    ]
    assert all(votes.vote(v) for v in found)


def test_a_model_votes_on_what_it_was_asked(worth):
    (vote,) = sklearn.labeller(worth, "check_worthiness", "mine")(SENTENCE, [])
    assert (vote["item_id"], vote["value"]) == (SENTENCE.item_id, sklearn.answers_of(worth, [SENTENCE.text])[0])
    assert sklearn.labeller(worth, "stance", "mine")(SENTENCE, []) == []


@pytest.mark.parametrize("answers", [[], ["yes"] * 3, ["yes", "yes", "no"]])
def test_one_answer_teaches_nothing(answers):
    with pytest.raises(ValueError, match="nothing to learn from"):
        sklearn.train(["a b c"] * len(answers), answers)


@given(st.text())
def test_no_text_stops_a_model(worth, text):
    assert np.isfinite(sklearn.probabilities(worth, [text])).all()


# Marked words


def brute(values, moves):
    """Every path of states over one chain, with its weight."""
    step = moves + crf.FOLLOWS
    for path in product(range(crf.STATES), repeat=len(values)):
        weight = crf.FIRST[path[0]] + crf.FINAL[path[-1]] + sum(values[i, s] for i, s in enumerate(path))
        yield path, weight + sum(step[a, b] for a, b in pairwise(path))


@pytest.mark.parametrize("seed", range(3))
def test_marginals_and_the_best_path_are_those_of_all_paths(seed):
    random = np.random.default_rng(seed)
    values, moves, chains = random.normal(size=(9, 4)), random.normal(size=(4, 4)), [(0, 5), (5, 6), (6, 9)]
    p, pairs = crf.marginals(values, moves, chains)
    wanted_p, wanted_pairs, wanted_best = np.zeros((9, 4)), np.zeros((4, 4)), []
    for a, b in chains:
        paths = list(brute(values[a:b], moves))
        total = sum(np.exp(w) for _, w in paths)
        wanted_best += max(paths, key=lambda x: x[1])[0]
        for path, weight in paths:
            for i, s in enumerate(path):
                wanted_p[a + i, s] += np.exp(weight) / total
            for s, t in pairwise(path):
                wanted_pairs[s, t] += np.exp(weight) / total
    assert np.allclose(p, wanted_p)
    assert np.allclose(pairs, wanted_pairs)
    assert list(crf.best(values, moves, chains)) == wanted_best


def test_states_of_tokens():
    text = "He said it is dry. Yes.\nNo"
    told = page(text, rules.segments_of(text), "en")
    marks = spans.states(told, [(8, 17), (19, 22)])
    named = {text[s:e]: "OBIL"[m] for s, e, m in zip(told.starts, told.ends, marks, strict=True) if text[s:e] != "."}
    assert named == {"He": "O", "said": "O", "it": "B", "is": "I", "dry": "L", "Yes": "B", "No": "O"}


def articles(n, seed):
    """In this invented set, whoever hums is quoted, which no rule of the stage knows."""
    draw, out = random.Random(seed), []
    for _ in range(n):
        text, found = "", []
        for _ in range(8):
            who, what = (
                draw.choice(["Ada", "Orin", "Tove"]),
                " ".join(draw.choices(["the", "dry", "mill", "pump", "was", "old", "sold"], k=5)),
            )
            verb = draw.choice(["hummed", "carried"])
            start = len(text) + len(f"{who} {verb} ")
            text += f"{who} {verb} {what}. "
            if verb == "hummed":
                found.append((start, len(text) - 2))
        out.append((text, found, "en"))
    return out


@pytest.fixture(scope="module")
def hums():
    return spans.train(articles(30, 1))


def test_a_model_marks_what_it_was_shown(hums):
    for text, wanted, language in articles(3, 2):
        assert spans.content(hums, text, rules.segments_of(text), language) == wanted


def test_a_model_of_spans_comes_back_as_it_was_saved(hums, tmp_path):
    spans.save(hums, tmp_path / "m.npz")
    again = spans.load(tmp_path / "m.npz")
    (text, wanted, _), *_ = articles(1, 3)
    assert spans.content(again, text, rules.segments_of(text), "en") == wanted
    assert np.array_equal(again.field.weights, hums.field.weights)


def test_training_twice_gives_the_same_model(hums):
    again = spans.train(articles(30, 1))
    assert np.array_equal(again.field.weights, hums.field.weights)


def test_what_a_model_marks_is_a_vote(hums):
    label, ((text, wanted, _),) = spans.labeller(hums, "mine"), articles(1, 3)
    found = label(document(text), [])
    assert [json.loads(votes.vote(v)["value"]) for v in found] == [{"content": [[60 + a, 60 + b]], "type": "indirect"} for a, b in wanted]
    assert [v["item_id"] for v in found] == [f"{DOC}-a{60 + a}-{60 + b}" for a, b in wanted]
    assert label(document("Ada carried the mill."), []) == []
    assert label(SENTENCE, []) is None


@given(st.text())
def test_no_text_stops_a_model_of_spans(hums, text):
    for start, end in spans.content(hums, text, rules.segments_of(text), "en"):
        assert 0 <= start < end <= len(text)


# An endpoint


class Server:
    """A local endpoint that answers what it is told to; `replies` are (status, answer), the last one again and again."""

    def __init__(self, *replies):
        self.replies, self.asked, outer = list(replies), [], self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append((self.path, self.headers.get("Authorization"), body))
                status, answer = outer.replies.pop(0) if len(outer.replies) > 1 else outer.replies[0]
                told = {"model": "tiny-1", "choices": [{"message": {"content": answer}}], "usage": {"total_tokens": 9}}
                data = answer if isinstance(answer, bytes) else json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(endpoint, "FIRST_WAIT", 0.01)
    running = []

    def start(*replies):
        running.append(Server(*replies))
        return running[-1]

    yield start
    for server in running:
        server.http.shutdown()
        server.http.server_close()


AGAINST = '{"answer": "against", "confidence": 0.8}'


def at(server, tmp_path, **more):
    return endpoint.Endpoint(server.url, "tiny", tmp_path / "calls.jsonl", **({"per_minute": 60_000} | more))


def test_an_endpoint_votes_and_its_calls_are_kept(serve, tmp_path):
    server = serve((200, AGAINST))
    label = endpoint.labeller(at(server, tmp_path, key="secret", temperature=0.2), "stance")
    found = label(SENTENCE, [FERRY, BRIDGE])
    assert [(v["item_id"], v["value"], v["confidence"]) for v in found] == [
        (f"{DOC}-t60-95-author-ferry", "against", 0.8),
        (f"{DOC}-t60-95-author-bridge", "against", 0.8),
    ]
    assert all(votes.vote(v)["annotator_type"] == "model" for v in found)
    path, key, body = server.asked[0]
    assert (path, key, body["model"], body["temperature"]) == ("/v1/chat/completions", "Bearer secret", "tiny", 0.2)
    assert "The ferry" in body["messages"][1]["content"]
    kept = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text("utf-8").splitlines() if line]
    assert [(k["model"], k["answered_by"], k["temperature"], k["raw"], len(k["prompt_sha256"])) for k in kept] == [
        ("tiny", "tiny-1", 0.2, AGAINST, 64)
    ] * 2
    assert "secret" not in (tmp_path / "calls.jsonl").read_text("utf-8")


def test_what_was_asked_before_is_not_asked_again(serve, tmp_path):
    server = serve((200, AGAINST))
    for _ in range(2):
        for _ in range(2):
            endpoint.labeller(at(server, tmp_path), "stance")(SENTENCE, [FERRY])
    assert len(server.asked) == 1
    endpoint.labeller(at(server, tmp_path, temperature=1.0), "stance")(SENTENCE, [FERRY])
    endpoint.labeller(at(server, tmp_path)._replace(model="other"), "stance")(SENTENCE, [FERRY])
    endpoint.labeller(at(server, tmp_path), "stance")(SENTENCE, [BRIDGE])
    assert len(server.asked) == 4


def test_a_run_that_was_stopped_goes_on_where_it_was(serve, tmp_path):
    server = serve((200, AGAINST))
    with pytest.raises(endpoint.Limit, match="run it again"):
        endpoint.labeller(at(server, tmp_path, most=1), "stance")(SENTENCE, [FERRY, BRIDGE])
    with open(tmp_path / "calls.jsonl", "ab") as file:
        file.write(b'{"key": "half')
    assert len(endpoint.labeller(at(server, tmp_path, most=1), "stance")(SENTENCE, [FERRY, BRIDGE])) == 2
    assert len(endpoint.labeller(at(server, tmp_path, most=0), "stance")(SENTENCE, [FERRY, BRIDGE])) == 2
    assert len(server.asked) == 2


def test_a_busy_endpoint_is_asked_again(serve, tmp_path):
    server = serve((429, "busy"), (503, "gone"), (200, b"no JSON"), (200, AGAINST))
    assert endpoint.labeller(at(server, tmp_path), "stance")(SENTENCE, [FERRY])
    assert len(server.asked) == 4


@pytest.mark.parametrize(("reply", "said"), [((401, "no"), "HTTP 401"), ((500, "no"), "HTTP 500"), ((200, b"{}"), "OpenAI-compatible")])
def test_an_endpoint_that_fails_says_so_in_one_line(serve, tmp_path, reply, said):
    with pytest.raises(endpoint.EndpointError, match=said) as error:
        endpoint.labeller(at(serve(reply), tmp_path), "stance")(SENTENCE, [FERRY])
    assert "\n" not in str(error.value)
    assert not (tmp_path / "calls.jsonl").exists()


def test_calls_are_spaced_out(serve, tmp_path, monkeypatch):
    waited = []
    monkeypatch.setattr(endpoint.time, "sleep", waited.append)
    endpoint.labeller(at(serve((200, AGAINST)), tmp_path, per_minute=2), "stance")(SENTENCE, [FERRY, BRIDGE])
    assert waited[0] == 0
    assert 20 < waited[1] <= 30


def test_an_answer_that_was_not_asked_for_is_an_abstention(serve, tmp_path):
    server = serve((200, "I would rather not say."))
    assert endpoint.labeller(at(server, tmp_path), "stance")(SENTENCE, [FERRY]) is None
    assert "rather not" in (tmp_path / "calls.jsonl").read_text("utf-8")


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (AGAINST, ("against", 0.8)),
        ('Sure: {"answer": "Favor"} ', ("favor", None)),
        ('```json\n{"answer": "none", "confidence": 7}\n```', ("none", None)),
        ("Mixed.", ("mixed", None)),
        ('{"answer": "yes"}', (None, None)),
        ('{"answer": ["favor"]}', (None, None)),
        ("", (None, None)),
    ],
)
def test_how_an_answer_is_read(raw, read):
    assert endpoint.read("stance", raw) == read


@given(st.text())
def test_no_answer_stops_the_reader(raw):
    endpoint.read("claim", raw)


def test_words_are_not_marked_by_an_endpoint(tmp_path):
    with pytest.raises(ValueError, match="not attribution"):
        endpoint.labeller(endpoint.Endpoint("http://x/v1", "tiny", tmp_path / "c"), "attribution")


def test_an_endpoint_is_named_by_the_environment(tmp_path, monkeypatch):
    assert endpoint.from_environment(tmp_path) is None
    for name, value in (("URL", "http://x/v1"), ("MODEL", "tiny"), ("KEY", "k")):
        monkeypatch.setenv(f"ARAXES_ENDPOINT_{name}", value)
    assert endpoint.from_environment(tmp_path)[:4] == ("http://x/v1", "tiny", tmp_path, "k")
