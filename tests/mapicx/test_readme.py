"""README shows lines of the engine: they are lines of the engine."""

import re


def test_the_lines_that_readme_shows_stand_in_layers(root):
    readme = (root / "README.md").read_text()
    layers = (root / "mapicx" / "layers.py").read_text()
    table = readme.split("| textbook |")[1].split("\n\n")[0]
    shown = [
        code
        for row in table.splitlines()[2:]
        for code in re.findall("`([^`]+)`", row.split("|")[2])
    ]
    assert len(shown) >= 7
    for code in shown:
        assert code in layers, code
