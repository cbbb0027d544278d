"""Every mark that a session may carry is explained."""

from domain.charging_flags import NEEDS_REVIEW, Flag, merged
from domain.tariffs import meter


def test_every_flag_has_its_sentence():
    sentences = [flag.sentence for flag in Flag]

    assert all(sentence.endswith(".") for sentence in sentences)
    assert len(set(sentences)) == len(Flag)


def test_some_flags_hold_the_money_back():
    assert Flag.STOP_WITHOUT_START.needs_review
    assert not Flag.ARRIVED_LATE.needs_review
    assert set(Flag) >= NEEDS_REVIEW


def test_what_the_meter_says_has_the_same_words():
    words = {meter.METER_DIP, meter.METER_RESET, meter.METER_SPIKE, meter.METER_IMPLAUSIBLE, meter.STOP_BEFORE_START}

    assert words <= set(Flag)


def test_flags_are_merged_in_order_each_once():
    assert merged(["a", "b"], "b", Flag.METER_DIP) == ["a", "b", "meter_dip"]
