"""Each number of an estimate is calculated here again, and must stand in both languages as it is rounded."""

import math
import re

import pytest

from kd_study.questions import all_questions

BANK = all_questions()
OURS = {name for name, entry in BANK.items() if entry.topic == "estimates"}
H100_IN_PRACTICE = 4e14  # operations a second, 40 % of 989 teraflops


def sides(name: str) -> list[str]:
    """Short and deep answer in each language, as one text a language, signs of LaTeX and bold left out."""
    entry = BANK[name]
    texts = [f"{short}\n{deep}" for short, deep in zip(entry.answer_short, entry.answer_deep, strict=True)]
    return [re.sub(r"\*\*|\$", "", text.replace("{,}", ",")) for text in texts]


def stands(name: str, written: str, value: float) -> None:
    """`written` ("8.4 GB") is in both texts, and its number is the value to the digits that it shows."""
    for text in sides(name):
        assert re.search(rf"(?<![\d.,]){re.escape(written)}(?![\d])", text), (name, written)
    number = re.match(r"[\d.,]+", written)[0].replace(",", "")
    decimals = len(number.partition(".")[2])
    assert float(number) == pytest.approx(value, abs=0.5001 * 10**-decimals), (name, written, value)


def forward(parameters: float, tokens: float) -> float:
    return 2 * parameters * tokens


def training(parameters: float, tokens: float) -> float:
    return 6 * parameters * tokens


def hours(operations: float) -> float:
    return operations / H100_IN_PRACTICE / 3600


def speed_up(acceptance: float, drafts: int, share: float) -> float:
    return (1 - acceptance ** (drafts + 1)) / (1 - acceptance) / (1 + drafts * share)


def test_what_top_k_saves():
    name, positions, vocabulary, k = "estimate-what-top-k-saves", 16 * 2048, 128_256, 64
    stands(name, "32,768", positions)
    stands(name, "8.4 GB", positions * vocabulary * 2 / 1e9)
    stands(name, "16.8 GB", positions * vocabulary * 4 / 1e9)
    stands(name, "12.6 MB", positions * k * 6 / 1e6)
    stands(name, "384", k * 6)
    stands(name, "668", vocabulary * 2 / (k * 6))
    stands(name, "257 TB", 1e9 * vocabulary * 2 / 1e12)
    stands(name, "0.38 TB", 1e9 * k * 6 / 1e12)
    stands(name, "17", math.ceil(math.log2(vocabulary)))
    stands(name, "19 MB/s", 50_000 * k * 6 / 1e6)


def test_vector_cache():
    name, sentences, width = "estimate-vector-cache", 2e6, 384
    stands(name, "3.1 GB", sentences * width * 4 / 1e9)
    stands(name, "1.54 GB", sentences * width * 2 / 1e9)
    stands(name, "0.8 GB", sentences * (width + 4) / 1e9)
    stands(name, "77 GB", 25 * sentences * width * 4 / 1e9)
    stands(name, "0.05", 1 / math.sqrt(width))
    stands(name, "0.4", 100 * 0.5 / 127)
    assert forward(1.1e8, 2e6 * 20) == pytest.approx(9e15, rel=0.03)
    stands(name, "0.05", 100 * 2**-11)


def test_live_or_cached_teacher():
    name, teacher, student, tokens = "estimate-live-or-cached-teacher", 7e9, 0.5e9, 1e9
    live = 3 * (forward(teacher, tokens) + training(student, tokens))
    cached = forward(teacher, tokens) + 3 * training(student, tokens)
    assert (live, cached) == pytest.approx((5.1e19, 2.3e19))
    stands(name, "2.2", live / cached)
    stands(name, "35.4", hours(live))
    stands(name, "16.0", hours(cached))
    stands(name, "127", 3.6 * hours(live))
    stands(name, "57", 3.6 * hours(cached))
    stands(name, "82", 100 * 14 / 17)
    stands(name, "5.7", (14 + 3) / 3)
    stands(name, "40", 100 * H100_IN_PRACTICE / 989e12)


def test_how_many_drafts():
    name = "estimate-how-many-drafts"
    stands(name, "2.94", (1 - 0.7**6) / 0.3)
    for drafts, written in enumerate(["1.62", "1.99", "2.20", "2.31", "2.35", "2.35", "2.33", "2.28"], 1):
        stands(name, written, speed_up(0.7, drafts, 0.05))
    for drafts, written in enumerate(["1.42", "1.56", "1.58", "1.54", "1.47"], 1):
        stands(name, written, speed_up(0.7, drafts, 0.2))
    best = {a: max((speed_up(a, drafts, 0.05), drafts) for drafts in range(1, 30)) for a in (0.5, 0.7, 0.8)}
    assert best[0.8][1] == 8 and best[0.7][1] in (5, 6)
    stands(name, "3.09", best[0.8][0])
    stands(name, "1.63", best[0.5][0])
    stands(name, "3.3", 1 / 0.3)
    assert all(speed_up(0.7, drafts, 0.05) > 0.98 * best[0.7][0] for drafts in range(4, 8))


def test_distil_or_fine_tune():
    name, student, teacher, tokens = "estimate-distil-or-fine-tune", 1.5e9, 32e9, 5e8
    alone, beside = training(student, tokens), forward(teacher, tokens)
    assert (alone, beside) == pytest.approx((4.5e18, 3.2e19))
    stands(name, "3.1", hours(alone))
    stands(name, "8.1", (alone + beside) / alone)
    stands(name, "25.3", hours(alone + beside))
    stands(name, "56", tokens / 2500 / 3600)
    stands(name, "14", tokens / 10_000 / 3600)
    stands(name, "22", hours(beside))
    assert beside / alone == pytest.approx(7, abs=0.15)


def test_int8_multilingual():
    name, width = "estimate-int8-multilingual", 384
    table, layers, trimmed = 250_000 * width / 1e6, 12 * 12 * width**2 / 1e6, 60_000 * width / 1e6
    stands(name, "469 MB", 4 * (table + layers))
    stands(name, "117 MB", table + layers)
    stands(name, "82", 100 * table / (table + layers))
    stands(name, "1.0 MB", 250_000 * 4 / 1e6)
    stands(name, "44.3 MB", trimmed + layers)
    stands(name, "52", 100 * trimmed / (trimmed + layers))
    stands(name, "11.5 MB", trimmed / 2)
    stands(name, "32.8 MB", trimmed / 2 + layers)
    stands(name, "10.6", layers / 2)
    stands(name, "9", 100 * layers / 2 / (table + layers))


def test_served_log_probabilities():
    name, rate, vocabulary, width = "estimate-served-log-probabilities", 50_000, 152_000, 4096
    stands(name, "304 KB", vocabulary * 2 / 1e3)
    stands(name, "15 GB/s", rate * vocabulary * 2 / 1e9)
    stands(name, "121.6 Gbit/s", rate * vocabulary * 2 * 8 / 1e9)
    stands(name, "0.41 GB/s", rate * width * 2 / 1e9)
    stands(name, "3.3 Gbit/s", rate * width * 2 * 8 / 1e9)
    stands(name, "37", vocabulary / width)
    stands(name, "6.0 MB/s", rate * 20 * 6 / 1e6)
    stands(name, "30 MB/s", rate * 20 * 30 / 1e6)
    stands(name, "0.4 MB/s", rate * 8 / 1e6)
    stands(name, "1.2 GB", vocabulary * width * 2 / 1e9)
    assert forward(width * vocabulary, 1) == pytest.approx(1.2e9, rel=0.05)
    assert training(1.5e9, 1) == 9e9


def test_price_of_parallel_text():
    name, commands, languages = "estimate-price-of-parallel-text", 20_000, 24
    characters = commands * 40 * languages / 1e6
    calls = commands * languages / 20
    read, written = calls * (150 + 20 * 12) / 1e6, commands * languages * 14 / 1e6
    assert (characters, read, written) == pytest.approx((19.2, 9.4, 6.7), abs=0.05)
    stands(name, "384", 20 * characters)
    stands(name, "24,000", calls)
    stands(name, "390", 150 + 20 * 12)
    stands(name, "43", read + 5 * written)
    stands(name, "168,000", 1000 * 7 * languages)
    stands(name, "20,160", 0.12 * 1000 * 7 * languages)


def test_break_even():
    name, request, gpu = "estimate-break-even", (800 * 1 + 100 * 5) / 1e6, 24 * 2
    once = 200_000 * request + 50 * 2 + 2000 * 1 + 4 * 4000
    saved = {100_000: 100_000 * request - gpu, 1_000_000: 1_000_000 * request - 2 * gpu}
    stands(name, "0.0013", request)
    assert gpu / request == pytest.approx(36_900, abs=50)
    stands(name, "260", 200_000 * request)
    stands(name, "18,360", once)
    stands(name, "82", saved[100_000])
    stands(name, "224", once / saved[100_000])
    stands(name, "518,000", round(6 * 24 * 3600, -3))
    stands(name, "15", once / saved[1_000_000])
    stands(name, "0.16", 100 * saved[100_000] / 100_000 / 0.5)
    stands(name, "0.24", 100 * saved[1_000_000] / 1_000_000 / 0.5)
    assert 100 * 50 * 2 / once < 1 and request / (2 / 3600 / 6) == pytest.approx(14, abs=0.1)
    assert 0.4 < 4000 / (365 / 4 * saved[100_000]) < 0.6 and 100_000 * request / 2 - gpu < 20


def test_time_to_first_token():
    name = "estimate-time-to-first-token"
    stands(name, "4.5", forward(3e9, 1500) / 2e12)
    stands(name, "0.9", forward(3e9, 300) / 2e12)
    stands(name, "1.5", forward(1e9, 1500) / 2e12)
    stands(name, "1.5 GB", 3e9 / 2 / 1e9)
    stands(name, "25", 1000 * 1.5 / 60)
    stands(name, "40", 60 / 1.5)
    stands(name, "120", 60 / 0.5)


def test_cache_of_keys_and_values():
    name, token = "estimate-cache-of-keys-and-values", 2 * 32 * 8 * 128 * 2
    stands(name, "131,072", token)
    stands(name, "0.537 GB", token * 4096 / 1e9)
    stands(name, "34.4 GB", 64 * token * 4096 / 1e9)
    stands(name, "32 GiB", 64 * token * 4096 / 2**30)
    stands(name, "28,672", 2 * 28 * 2 * 128 * 2)
    stands(name, "7.5 GB", 64 * 4096 * 2 * 28 * 2 * 128 * 2 / 1e9)
    stands(name, "1.1 GB", 2 * token * 64 * 4096 / 64 / 1e9)
    stands(name, "262,144", 64 * 4096)
    stands(name, "80 GB", 64 * 4096 * 152_000 * 2 / 1e9)


def test_memory_of_a_run():
    name, positions, vocabulary = "estimate-memory-of-a-run", 8 * 2048, 152_000
    stands(name, "24 GB", (2 + 2 + 4 + 4 + 4) * 1.5)
    stands(name, "28 GB", 2 * 14)
    stands(name, "16,384", positions)
    stands(name, "5.0 GB", positions * vocabulary * 2 / 1e9)
    stands(name, "40 GB", 3 * 10 + 2 * 5)
    stands(name, "0.6 GB", 1024 * vocabulary * 4 / 1e9)
    stands(name, "1.4 GB", 28 * positions * 1536 * 2 / 1e9)
    assert positions * vocabulary * 4 / 1e9 == pytest.approx(10, abs=0.05)


def test_numbers_of_the_designs():
    stands("design-voice-assistant", "44 MB", (60_000 * 384 + 12 * 12 * 384**2) / 1e6)
    stands("design-reranker-from-an-llm", "1,000", 100_000 * 0.01)
    assert forward(2.1e7, 50 * 128) == pytest.approx(2.7e11, rel=0.01)
    stands("design-catch-a-distiller", "7.5", 100 * 0.02 * 0.8 / (0.02 * 0.8 + 0.98 * 0.2))
    stands("design-vectors-without-reindex", "0.8 TB", 2e9 * 384 / 1e12)
    stands("design-vectors-without-reindex", "4.1 TB", 2e9 * 1024 * 2 / 1e12)
    stands("design-vectors-without-reindex", "0.2", 0.05 * 4)
    stands("design-draft-model", "3.09", speed_up(0.8, 8, 0.05))
    stands("design-draft-model", "1.63", speed_up(0.5, 3, 0.05))
    stands("design-low-resource-pipeline", "4.5", 100 * 1.96 * math.sqrt(0.8 * 0.2 / 300))
    stands("design-student-in-production", "475", 4 * 0.95 * 0.05 / 0.02**2)
    labelling = forward(7e9, 20 * 1e7 * 200)
    assert labelling == pytest.approx(5.6e20) and hours(labelling) == pytest.approx(390, abs=2)
    stands("design-distillation-platform", "130", hours(labelling) / 3)


def test_every_estimate_is_calculated():
    tested = {f"estimate-{name[5:].replace('_', '-')}" for name in globals() if name.startswith("test_")}
    assert tested >= OURS and all(BANK[name].kind == "estimate" for name in OURS)
