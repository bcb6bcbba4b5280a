"""The steps of a reading as hands take them, for the tour and the screenshots; each waits until it has taken effect."""

from desktop.ui.driver import Driver


def write_impression(driver: Driver, words: str) -> None:
    """Type what was read; not saved yet."""
    driver.press("Alt+2")
    driver.type(words)


def save_impression(driver: Driver) -> None:
    """Save it: the suggestion is revealed."""
    driver.press("Ctrl+Return")
    driver.wait(lambda: not driver.shown("save_impression"), "impression")


def accept_every_finding(driver: Driver) -> None:
    """Accept whatever the models suggested; where they refused or are not installed there is nothing to decide."""
    while driver.wait_for("accept", "see_report", "sign") == "accept":
        driver.click("accept")
        driver.settle()


def see_report(driver: Driver) -> None:
    """The pages as they would be signed."""
    if driver.wait_for("see_report", "sign") == "see_report":
        driver.press("Ctrl+Return")
    driver.wait_for("sign")


def sign_report(driver: Driver) -> None:
    """Sign what the pages show."""
    driver.press("Ctrl+Return")
    driver.wait(lambda: driver.shown("save_pdf"), "signature")
