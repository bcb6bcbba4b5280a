import pytest

from desktop.cli.arguments import parse


def test_flags_stand_anywhere_after_the_command() -> None:
    for words in (["--json", "--limit", "3", "王"], ["王", "--json", "--limit", "3"], ["王", "--limit", "3", "--json"]):
        parsed = parse(["--store", "x", "patients", "search", *words])
        assert parsed.json
        assert not parsed.batch
        assert (parsed.text, parsed.limit) == ("王", 3)


def test_the_passphrase_file_may_stand_before_or_after_clinic_create() -> None:
    common = ["clinic", "create", "--name", "N", "--admin", "U", "--recovery-out", "r"]
    assert str(parse(["--passphrase-file", "p", *common]).passphrase_file) == "p"
    assert str(parse([*common, "--passphrase-file", "p"]).passphrase_file) == "p"


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["analyse"],
        ["analyse", "--batch", "a.png"],
        ["analyse", "a.png", "--age-years", "-1"],
        ["analyse", "a.png", "--age-years", "old"],
        ["analyse", "a.png", "--sex", "x"],
        ["patients"],
        ["patients", "add"],
        ["patients", "add", "--batch", "--input", "f"],
        ["patients", "search"],
        ["patients", "search", "--limit", "0", "x"],
        ["selftest", "--batch"],
        ["import", "--patient", "p"],
        ["report", "export", "id", "--format", "doc", "--out", "x"],
        ["suggestions", "review", "id", "--finding", "k", "--verdict", "maybe"],
        ["clinic", "create", "--name", "N"],
    ],
)
def test_what_is_no_command_is_a_usage_error(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(words)
    assert stop.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "lantern" in said.err


def test_a_usage_error_does_not_repeat_what_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["patients", "search", "--limit", "王小明", "x"], ["patients", "search", "王", "小明"], ["王小明"]):
        with pytest.raises(SystemExit):
            parse(words)
        assert "小明" not in capsys.readouterr().err
