"""A linear-chain conditional random field over sparse binary features, in numpy (Lafferty, McCallum and Pereira 2001).

States: outside, and the first, inner and last token of a span (a span of one token is FIRST_IN). Trained by AdaGrad on the
log-likelihood of whole chains, in a fixed order.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

OUT, FIRST_IN, IN, LAST_IN = range(4)
STATES = 4
NEVER = -1e4
# What may follow what.
FOLLOWS = np.array([[0, 0, NEVER, NEVER], [0, 0, 0, 0], [NEVER, NEVER, 0, 0], [0, 0, NEVER, NEVER]])
FIRST = np.array([0, 0, NEVER, NEVER])
FINAL = np.array([0, 0, NEVER, 0])


class Field(NamedTuple):
    """weights: (features, states). moves: (states, states)."""

    weights: np.ndarray
    moves: np.ndarray


def scores(field: Field, columns: np.ndarray) -> np.ndarray:
    """(tokens, states). columns: (tokens, templates), the features each token has."""
    return _matrix(columns, len(field.weights)) @ field.weights


def _matrix(columns: np.ndarray, size: int) -> csr_matrix:
    n, k = columns.shape
    return csr_matrix((np.ones(n * k, np.float32), columns.ravel(), np.arange(0, n * k + 1, k)), shape=(n, size))


def train(
    batches: Sequence[tuple[np.ndarray, np.ndarray, list[tuple[int, int]]]],
    size: int,
    rounds: int,
    rate: float,
    decay: float,
) -> Field:
    """batches: (columns, states, chains) of a few texts each."""
    weights, moves = np.zeros((size, STATES), np.float32), np.zeros((STATES, STATES))
    mean_w, mean_m = np.zeros_like(weights), np.zeros_like(moves)
    seen_w, seen_m = np.full_like(weights, 1e-6), np.full_like(moves, 1e-6)
    random, steps = np.random.default_rng(0), 0
    for turn in range(rounds):
        for at in random.permutation(len(batches)):
            columns, states, chains = batches[at]
            x = _matrix(columns, size)
            p, pairs = marginals(x @ weights, moves, chains)
            p[np.arange(len(states)), states] -= 1
            told = np.zeros_like(moves)
            inner = np.ones(len(states), bool)
            inner[[a for a, _ in chains]] = False
            np.add.at(told, (states[:-1][inner[1:]], states[1:][inner[1:]]), 1)
            down = x.T @ p.astype(np.float32) + decay * weights
            down[-1] = 0
            down_m = pairs - told
            seen_w += down * down
            seen_m += down_m * down_m
            weights -= rate * down / np.sqrt(seen_w)
            moves -= rate * down_m / np.sqrt(seen_m)
            if turn >= rounds // 2:
                mean_w += weights
                mean_m += moves
                steps += 1
    return Field(mean_w / max(steps, 1), mean_m / max(steps, 1))


def _padded(values: np.ndarray, chains: list[tuple[int, int]]) -> Iterator[tuple[list[int], np.ndarray, np.ndarray]]:
    """Chains of like length together: their places, (chains, length, states) scores and (chains,) lengths."""
    order = sorted(range(len(chains)), key=lambda i: chains[i][1] - chains[i][0])
    for k in range(0, len(order), 64):
        some = order[k : k + 64]
        lengths = np.array([chains[i][1] - chains[i][0] for i in some])
        out = np.zeros((len(some), lengths.max(), STATES))
        for row, i in enumerate(some):
            out[row, : lengths[row]] = values[chains[i][0] : chains[i][1]]
        yield some, out, lengths


def _logsum(x: np.ndarray, axis: int) -> np.ndarray:
    top = x.max(axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.exp(x - top).sum(axis=axis))


def marginals(values: np.ndarray, moves: np.ndarray, chains: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """(tokens, states) probabilities and (states, states) expected moves, by the forward-backward algorithm."""
    step, out, pairs = moves + FOLLOWS, np.zeros((len(values), STATES)), np.zeros((STATES, STATES))
    for some, e, lengths in _padded(values, chains):
        t = e.shape[1]
        ahead, back = np.empty_like(e), np.zeros_like(e)
        ahead[:, 0] = e[:, 0] + FIRST
        for i in range(1, t):
            ahead[:, i] = _logsum(ahead[:, i - 1, :, None] + step, 1) + e[:, i]
        back[:, t - 1] = FINAL
        for i in range(t - 2, -1, -1):
            inner = _logsum(step + (e[:, i + 1] + back[:, i + 1])[:, None, :], 2)
            back[:, i] = np.where((lengths - 1 == i)[:, None], FINAL, inner)
        total = _logsum(ahead[:, 0] + back[:, 0], 1)
        p = np.exp(ahead + back - total[:, None, None])
        live = (np.arange(1, t)[None] < lengths[:, None])[:, :, None, None]
        if t > 1:
            both = np.exp(
                np.where(live, ahead[:, :-1, :, None] + step + (e[:, 1:] + back[:, 1:])[:, :, None, :] - total[:, None, None, None], NEVER)
            )
            pairs += both.sum(axis=(0, 1))
        for row, i in enumerate(some):
            out[chains[i][0] : chains[i][1]] = p[row, : lengths[row]]
    return out, pairs


def best(values: np.ndarray, moves: np.ndarray, chains: list[tuple[int, int]]) -> np.ndarray:
    """(tokens,) the most probable states (Viterbi)."""
    step, out = moves + FOLLOWS, np.zeros(len(values), np.int64)
    for start, end in chains:
        score, came = values[start] + FIRST, []
        for i in range(start + 1, end):
            options = score[:, None] + step
            came.append(options.argmax(axis=0))
            score = options.max(axis=0) + values[i]
        state = int((score + FINAL).argmax())
        for i in range(end - 1, start - 1, -1):
            out[i] = state
            if i > start:
                state = int(came[i - start - 1][state])
    return out
