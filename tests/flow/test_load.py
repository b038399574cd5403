"""A folder becomes a book: what is sound is in it, what is broken is told and left out."""

import dataclasses
from pathlib import Path

from ivrengine.cli import reference
from ivrengine.core.ids import BrandId
from ivrengine.flow.book import Book, Phone
from ivrengine.flow.load import content_hash, load_folder
from ivrengine.flow.source.routing import EMERGENCIES_MAX
from tests.flow.folder import MAIN, PROMPTS, ROUTING, SOUND, load, write
from tests.prompts import sounds

ACME = BrandId("acme")
EXAMPLES = Path(__file__).resolve().parents[2] / "flows"


def test_the_example_flows_are_sound() -> None:
    book, found = load_folder(EXAMPLES)
    assert found == ()
    assert set(book.flows) == {
        ("cinar", "cinar-sales"),
        ("guneskent", "guneskent-emergency"),
        ("guneskent", "guneskent-main"),
        ("guneskent", "guneskent-survey"),
        ("guneskent", "guneskent-urgent"),
        ("makara", "makara-readers"),
        ("toros", "toros-reception"),
    }


def test_between_them_the_example_flows_use_nearly_every_node_type() -> None:
    book, _ = load_folder(EXAMPLES)
    used = {node.type for flow in book.flows.values() for node in flow.nodes.values()}
    there = {reference.type_name(found) for found in reference.node_types()}
    assert there - used == {
        "http",  # needs settings that allow its host
        "wait",
    }


def test_a_sound_folder_is_a_whole_book(tmp_path: Path) -> None:
    book, told = load(tmp_path, SOUND)
    assert told == []
    flow = book.route("+902124440101")
    assert flow is not None
    assert (flow.brand, flow.ref.name, flow.languages) == (ACME, "main", ("tr", "en"))
    assert flow.text == MAIN
    assert book.phone(ACME, "reception") == Phone(name="reception", endpoint="PJSIP/agent-101")
    assert book.phone(ACME, "nobody") is None
    assert book.phone(BrandId("other"), "reception") is None
    assert book.prompts[ACME]["welcome"]["en"] == "Welcome."
    assert book.brands[ACME].caller_keys


def test_an_exact_number_wins_and_then_the_longest_prefix(tmp_path: Path) -> None:
    routes = """
    routes:
      - {prefix: "+90212", flow: other}
      - {prefix: "+90212444", flow: main}
      - {did: "+90 (212) 444-01.01", flow: other}
"""
    files = SOUND | {
        "routing.yaml": ROUTING.replace(
            '\n    routes: [{did: "+902124440101", flow: main}]', routes.rstrip()
        ),
        "other.yaml": MAIN.replace("flow: main", "flow: other"),
    }
    book, told = load(tmp_path, files)
    assert told == []
    routed = {
        did: flow.ref.name if (flow := book.route(did)) else None
        for did in ("+902124440101", "+902124440102", "+902129999999", "+905", "", "+9021")
    }
    assert routed == {
        "+902124440101": "other",
        "+902124440102": "main",
        "+902129999999": "other",
        "+905": None,
        "": None,
        "+9021": None,
    }


def _routed(tmp_path: Path, routes: str) -> tuple[Book, list[str]]:
    routing = ROUTING.replace('[{did: "+902124440101", flow: main}]', routes)
    book, told = load(tmp_path, SOUND | {"routing.yaml": routing})
    return book, [str(problem) for problem in told]


def test_emergency_numbers_are_known_to_the_book(tmp_path: Path) -> None:
    book, told = _routed(
        tmp_path,
        '[{did: "+90 212 444 01 99", flow: main, emergency: true}, {did: "112", flow: main}]',
    )
    assert told == []
    assert book.routes.emergency == ("+902124440199",)


def test_a_block_of_numbers_is_no_emergency(tmp_path: Path) -> None:
    _, told = _routed(tmp_path, '[{prefix: "+90212", flow: main, emergency: true}]')
    (sentence,) = [each for each in told if "emergency" in each]
    assert "expected `did`: a `prefix` cannot be an emergency" in sentence


def test_not_everything_is_an_emergency(tmp_path: Path) -> None:
    routes = ", ".join(
        f'{{did: "+90212444{number:04}", flow: main, emergency: true}}'
        for number in range(EMERGENCIES_MAX + 1)
    )
    _, told = _routed(tmp_path, f"[{routes}]")
    assert any("expected at most 100 routes with `emergency`" in each for each in told)


def test_a_broken_flow_is_left_out_and_the_others_are_not(tmp_path: Path) -> None:
    files = SOUND | {
        "second.yaml": MAIN.replace("flow: main", "flow: second").replace("bye}", "by}")
    }
    book, told = load(tmp_path, files)
    assert told == [
        "second.yaml:2:7: warning flow-unrouted: no number is routed to the flow `second`, and no flow calls it",
        "second.yaml:7:46: error unknown-node: no node `by`; did you mean `bye`?",
    ]
    assert list(book.flows) == [(ACME, "main")]


def test_a_number_whose_flow_is_broken_leads_nowhere(tmp_path: Path) -> None:
    book, told = load(tmp_path, SOUND | {"main.yaml": MAIN.replace("welcome", "welcom")})
    assert len(told) == 1
    assert book.route("+902124440101") is None


def test_broken_prompts_hold_back_the_flows_that_need_them_and_no_others(tmp_path: Path) -> None:
    silent = MAIN.replace("{type: play, prompt: welcome, next: bye}", "{type: goto, to: bye}")
    files = SOUND | {
        "prompts.yaml": PROMPTS + "  hours: {tr: 'Açığız}\n",
        "silent.yaml": silent.replace("flow: main", "flow: silent"),
    }
    book, told = load(tmp_path, files)
    assert [line.split(": ")[0] for line in told] == ["prompts.yaml:5:15", "silent.yaml:2:7"]
    assert list(book.flows) == [(ACME, "silent")]


def test_a_broken_brand_is_left_out_and_its_flows_are_still_checked(tmp_path: Path) -> None:
    routing = ROUTING.replace("TR", "Turkey") + "  other: {name: Other, country: TR}\n"
    book, told = load(tmp_path, SOUND | {"routing.yaml": routing})
    assert [line.split(" ")[2] for line in told] == ["wrong-value:"]
    assert list(book.brands) == ["other"]
    assert list(book.flows) == [(ACME, "main")]


def test_a_recording_stands_in_for_a_text(tmp_path: Path) -> None:
    german = MAIN.replace("[tr, en]", "[tr, en, de]").replace(
        "prompt: welcome", "prompt: [welcome, jingle]"
    )
    for recording in ("de/welcome.wav", "tr/jingle.wav", "en/jingle.wav", "de/jingle.wav"):
        sounds.write(tmp_path / "recordings/acme" / recording, sounds.tone(440).samples.tobytes())
    book, told = load(tmp_path, SOUND | {"main.yaml": german})
    assert told == []
    assert book.route("+902124440101") is not None


def test_prompts_of_one_brand_may_stand_in_many_files_and_flows_in_folders(tmp_path: Path) -> None:
    files = {
        "routing.yaml": ROUTING,
        "prompts/a.yaml": PROMPTS,
        "prompts/deep/b.yml": "brand: acme\nprompts: {goodbye: {tr: Güle güle., en: Goodbye.}}\n",
        "lines/main.yaml": MAIN.replace("{type: hangup}", "{type: hangup, prompt: goodbye}"),
        ".hidden.yaml": "not: [read",
        ".git/config.yaml": "not: [read",
        "notes.txt": "not: [read",
    }
    book, told = load(tmp_path, files)
    assert told == []
    assert (ACME, "main") in book.flows


def test_the_hash_is_of_the_text_and_of_the_prompts_that_are_named(tmp_path: Path) -> None:
    def hash_of(name: str, **changed: str) -> str:
        files = SOUND | {f"{k}.yaml": v for k, v in changed.items()}
        book, _ = load(tmp_path / name, files)
        flow = book.route("+902124440101")
        assert flow is not None
        return flow.ref.hash

    first = hash_of("a")
    assert first == hash_of("b")
    assert len(first) == 64
    assert hash_of("c", main=MAIN + "# a comment\n") != first
    assert hash_of("d", prompts=PROMPTS.replace("Welcome", "Hello")) != first
    assert hash_of("e", prompts=PROMPTS + "  other: {tr: Öbür.}\n") == first
    assert hash_of("f", routing=ROUTING.replace("Acme", "ACME")) == first


def test_the_hash_cannot_be_shifted_between_text_and_prompts() -> None:
    assert content_hash("a", {"b": {"tr": "c"}}, {}) != content_hash("ab", {"": {"tr": "c"}}, {})
    assert content_hash("a", {"x": {}, "y": {}}, {}) == content_hash("a", {"y": {}, "x": {}}, {})


def test_loops_of_links_and_odd_files_are_told_and_passed_by(tmp_path: Path) -> None:
    write(tmp_path, SOUND)
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    book, told = load(tmp_path, {})
    assert told == [
        "again:1:1: warning file-linked: this folder is a link; links to folders are not followed",
        "gone.yaml:1:1: error file-unreadable: the file cannot be read: No such file or directory",
    ]
    assert (ACME, "main") in book.flows


def test_an_empty_folder_and_no_folder_are_told(tmp_path: Path) -> None:
    _, told = load(tmp_path, {})
    assert told == [
        ".:1:1: warning no-files: the folder holds no flow",
        ".:1:1: warning no-routing: there is no routing.yaml: no number leads to a flow",
    ]
    (tmp_path / "routing.yaml").mkdir()
    _, told = load(tmp_path, {})
    assert (
        told[1] == ".:1:1: warning no-routing: there is no routing.yaml: no number leads to a flow"
    )
    _, found = load_folder(tmp_path / "none")
    assert "error file-unreadable: the folder cannot be read" in str(found[0])


def test_a_book_is_loaded_the_same_way_twice() -> None:
    first, second = load_folder(EXAMPLES)[0], load_folder(EXAMPLES)[0]
    assert [f.ref for f in first.flows.values()] == [f.ref for f in second.flows.values()]
    assert first.routes == second.routes
    assert {b: dataclasses.asdict(v) for b, v in first.brands.items()} == {
        b: dataclasses.asdict(v) for b, v in second.brands.items()
    }
