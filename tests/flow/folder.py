"""A folder of flows that a test writes."""

import textwrap
from pathlib import Path

from ivrengine.flow.book import Book
from ivrengine.flow.load import load_folder

ROUTING = """
brands:
  acme:
    name: Acme
    country: TR
    routes: [{did: "+902124440101", flow: main}]
    phones: {reception: {endpoint: PJSIP/agent-101}}
"""
PROMPTS = """
brand: acme
prompts:
  welcome: {tr: Hoş geldiniz., en: Welcome.}
"""
MAIN = """
flow: main
brand: acme
languages: [tr, en]
start: hello
nodes:
  hello: {type: play, prompt: welcome, next: bye}
  bye: {type: hangup}
"""
SOUND = {"routing.yaml": ROUTING, "prompts.yaml": PROMPTS, "main.yaml": MAIN}


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write the files and return the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content), encoding="utf-8")
    return folder


def load(folder: Path, files: dict[str, str]) -> tuple[Book, list[str]]:
    """Write the files, load the folder, and return its book and what is wrong, without the folder's name."""
    book, found = load_folder(write(folder, files))
    return book, [
        str(problem).replace(f"{folder}/", "").replace(str(folder), ".") for problem in found
    ]
