"""What is kept of a stream, whatever its length and wherever it is cut."""

import random

import pytest

from sandbox.capture import Capture


def captured(chunks, keep_bytes):
    capture = Capture(keep_bytes)
    for chunk in chunks:
        capture.add(chunk)
    return capture


@pytest.mark.parametrize("length", [0, 1, 9, 10])
def test_a_short_stream_is_kept_whole(length):
    text = "0123456789"[:length]
    capture = captured([text.encode()], 10)
    assert (capture.text(), capture.truncated, capture.total_bytes) == (text, False, length)


def test_a_long_stream_keeps_both_ends_however_it_arrives():
    raw = bytes(random.Random(1).choices(range(97, 123), k=100_000))
    for size in (1, 7, 999, 100_000):
        capture = captured((raw[at : at + size] for at in range(0, len(raw), size)), 100)
        expected = f"{raw[:50].decode()}\n...(99900 bytes left out)...\n{raw[-50:].decode()}"
        assert capture.text() == expected
        assert capture.truncated
        assert len(capture.head) + len(capture.tail) == 100


@pytest.mark.parametrize("keep_bytes", range(20, 30))
def test_a_cut_through_a_character_leaves_no_broken_one(keep_bytes):
    capture = captured(["€".encode() * 1000], keep_bytes)
    assert set(capture.text().replace(f"...({3000 - keep_bytes} bytes left out)...", "").split("\n")) <= {
        "€" * count for count in range(10)
    }


def test_bytes_that_are_no_text_are_replaced_and_nul_is_removed():
    assert captured([b"a\xffb\0c\xed\xa0\x80"], 100).text() == "a\ufffdbc\ufffd\ufffd\ufffd"
