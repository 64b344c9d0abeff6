from outgate.answers.calibration import calibration


def test_the_shipped_thresholds_are_read_with_their_version() -> None:
    measured = calibration()

    assert 0.5 <= measured.similarity < 1
    assert 0.5 <= measured.score < 1
    assert 12 == len(measured.version)
