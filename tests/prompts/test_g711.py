"""Known values of ITU-T G.711: the tables' decision and output values, and the codes that every codec agrees on."""

import pytest

from ivrengine.prompts import g711


def ulaw_value(code: int) -> int:
    """Decode by G.711, table 2b, scaled to 16 bits."""
    code ^= 0xFF
    magnitude = (((code & 0x0F) * 2 + 33) << ((code >> 4) & 7)) - 33
    return 4 * (-magnitude if code & 0x80 else magnitude)


def alaw_value(code: int) -> int:
    """Decode by G.711, table 1b, scaled to 16 bits."""
    code ^= 0x55
    segment, step = (code >> 4) & 7, code & 0x0F
    magnitude = 2 * step + 1 if segment == 0 else (2 * step + 33) << (segment - 1)
    return 8 * magnitude if code & 0x80 else -8 * magnitude


@pytest.mark.parametrize(
    ("sample", "code"),
    [
        (0, 0xFF),
        (-4, 0x7E),
        (8, 0xFE),
        (-8, 0x7E),
        (32767, 0x80),
        (-32768, 0x00),
        (32124, 0x80),
        (-32124, 0x00),
        (1000, 0xCE),
        (-1000, 0x4E),
        (16000, 0x90),
        (-16000, 0x10),
    ],
)
def test_known_samples_have_their_u_law_codes(sample: int, code: int) -> None:
    assert g711.ulaw([sample]) == bytes([code])


@pytest.mark.parametrize(
    ("sample", "code"),
    [
        (0, 0xD5),
        (-1, 0x55),
        (8, 0xD5),
        (-8, 0x55),
        (32767, 0xAA),
        (-32768, 0x2A),
        (1000, 0xFA),
        (-1000, 0x7A),
        (16000, 0xBA),
        (-16000, 0x3A),
    ],
)
def test_known_samples_have_their_a_law_codes(sample: int, code: int) -> None:
    assert g711.alaw([sample]) == bytes([code])


def test_a_tone_of_1_khz_at_0_dbm0_is_the_sequence_of_the_recommendation() -> None:
    """G.711, table 5 and 6: eight codes that make a sine of 1 kHz at the nominal level of 0 dBm0."""
    u_law = bytes([0x1E, 0x0B, 0x0B, 0x1E, 0x9E, 0x8B, 0x8B, 0x9E])
    a_law = bytes([0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4])
    assert g711.ulaw(map(ulaw_value, u_law)) == u_law
    assert g711.alaw(map(alaw_value, a_law)) == a_law
    assert g711.alaw(map(ulaw_value, u_law)) == a_law


def test_every_code_is_what_its_own_value_is_encoded_as() -> None:
    for code in range(256):
        assert g711.alaw([alaw_value(code)]) == bytes([code])
        if code != 0x7F:  # minus zero, which no encoder sends
            assert g711.ulaw([ulaw_value(code)]) == bytes([code])


SAMPLES = range(-32768, 32768)


def test_the_error_of_a_sample_is_at_most_half_a_step() -> None:
    """A step is a sixteenth of its segment; 14 and 13 bits of the 16 are looked at."""
    for sample, code in zip(SAMPLES, g711.ulaw(SAMPLES), strict=True):
        if abs(sample) <= 32635:
            assert abs(ulaw_value(code) - sample) <= (abs(sample) + 132) / 32 + 4
    for sample, code in zip(SAMPLES, g711.alaw(SAMPLES), strict=True):
        assert abs(alaw_value(code) - sample) <= max(16, abs(sample) / 32 + 8)


def test_a_louder_sample_never_sounds_quieter() -> None:
    heard = [ulaw_value(code) for code in g711.ulaw(SAMPLES)]
    assert heard == sorted(heard)
    heard = [alaw_value(code) for code in g711.alaw(SAMPLES)]
    assert heard == sorted(heard)
