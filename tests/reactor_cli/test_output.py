"""What is printed of texts that come from elsewhere."""

import pytest

from reactor_cli.output import plain, show_error, show_table


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("a calm sea", "a calm sea"),
        ("two\nlines", "two\nlines"),
        ("海と\u3000👩\u200d🚀", "海と\u3000👩\u200d🚀"),
        ("[red]alarm[/red]", "\\[red]alarm\\[/red]"),
        ("\x1b]0;title\x07", "�]0;title�"),
        ("\x9b31m", "�31m"),
        ("a\rb", "a�b"),
        ("\u202edwp", "�dwp"),
        ("\ud800", "�"),
    ],
)
def test_a_text_from_elsewhere_commands_no_terminal(text: str, printed: str) -> None:
    assert plain(text) == printed


def test_a_table_and_an_error_print_no_codes(capfd: pytest.CaptureFixture[str]) -> None:
    show_table([{"name": "a\x1b[31m"}], ("name",), "none")
    show_error("NO", "b\x1b[31m", as_json=False)
    told = capfd.readouterr()
    assert ("a�[31m" in told.out, "b�[31m" in told.err) == (True, True)
    assert "\x1b" not in told.out + told.err
