"""Names and addresses: one name has one spelling in the store, and nobody can be mistaken for somebody else."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.core import errors
from postroom.core.address import NAME, RESERVED, Address, Name, claimable, close_names, fold_name, read_address
from tests.spelling import ALPHABETS, spelled

# Plain names, names with letters from elsewhere, and anything.
TEXTS = st.one_of(
    st.from_regex(NAME, fullmatch=True),
    st.text("aA\uff41\uff21\u24d0bB.-_@# 09\u0660\u212a\u017f\u0131\u0130\u00df\u00aa\u00b2\ufb01\u200b\u00ad", max_size=8),
    st.text(max_size=70),
)

BLANKS = st.sampled_from(["", " ", "\t", "\u3000"])


def folded(text):
    """The name that a text stands for, or None."""
    try:
        return fold_name(text)
    except errors.BadName:
        return None


@given(TEXTS)
def test_folding_a_folded_name_changes_nothing(text):
    name = folded(text)
    assert name is None or fold_name(name) == name


@given(TEXTS)
def test_a_folded_name_is_plain(text):
    name = folded(text)
    assert name is None or (name.isascii() and name == name.lower() and NAME.fullmatch(name))


@given(TEXTS, st.sampled_from(sorted(ALPHABETS)))
def test_no_two_names_are_spelled_alike(text, alphabet):
    """Whatever folds to a name is that name: there is no second agent that looks the same after folding."""
    name = folded(text)
    if name is not None:
        assert fold_name(spelled(name, alphabet)) == name
        assert fold_name(f"\u3000{name}\t") == name


@given(st.sampled_from(sorted(RESERVED)), st.lists(st.sampled_from(sorted(ALPHABETS)), min_size=8, max_size=8), BLANKS)
def test_a_reserved_name_is_never_claimed(name, alphabets, blank):
    text = blank + "".join(spelled(letter, alphabet) for letter, alphabet in zip(name, alphabets, strict=False)) + blank
    with pytest.raises(errors.ReservedName):
        claimable(text)


@given(TEXTS)
def test_whatever_is_claimed_is_no_reserved_name(text):
    with suppress(errors.BadName, errors.ReservedName):
        assert claimable(text) not in RESERVED


@given(TEXTS)
def test_an_address_is_read_or_refused(text):
    with suppress(errors.BadAddress, errors.BadName):
        address = read_address(text)
        assert address.kind in {"agent", "room", "everyone"}
        assert NAME.fullmatch(address.name)
        assert address.node is None or NAME.fullmatch(address.node)


@pytest.mark.parametrize("name", ["a", "0", "a" * 63, "a.b-c_d", "7of9", "x."])
def test_a_name_may_be(name):
    assert fold_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a" * 64,
        ".a",
        "-a",
        "_a",
        "a b",
        "a/b",
        "\u00e4",
        "\u0131",
        "\u0130",
        "\u0430",
        "a\0",
        "a\nb",
        "a@b",
        "#a",
        "\u200ba",
        "a\u200d",
    ],
)
def test_a_name_may_not_be(name):
    with pytest.raises(errors.BadName):
        fold_name(name)


@pytest.mark.parametrize(
    "text, address",
    [
        ("bob", Address("agent", Name("bob"))),
        (" Bob ", Address("agent", Name("bob"))),
        ("bob@laptop", Address("agent", Name("bob"), Name("laptop"))),
        ("Bob@Laptop", Address("agent", Name("bob"), Name("laptop"))),
        ("#dev", Address("room", Name("dev"))),
        ("#dev@laptop", Address("room", Name("dev"), Name("laptop"))),
        ("@all", Address("everyone", Name("all"))),
        ("ALL", Address("everyone", Name("all"))),
    ],
)
def test_an_address_is_read(text, address):
    assert read_address(text) == address


@pytest.mark.parametrize("text", ["", "  ", "@", "bob@", "@bob", "#", "#@laptop", "a@b@c", "##a"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises((errors.BadAddress, errors.BadName)):
        read_address(text)


@pytest.mark.parametrize(
    "address, error, words",
    [
        ("bob@laptop", errors.NoLinks, "another machine"),
        ("#dev@laptop", errors.NoLinks, "another machine"),
        ("bob@", errors.BadAddress, "NAME@NODE"),
        ("b b", errors.BadName, "1 to 63"),
    ],
)
def test_addresses_of_what_is_not_there_yet_are_errors_that_say_so(post, address, error, words):
    alice, bob = post.agents("alice", "bob")
    for to in (address, ["bob", address]):
        with pytest.raises(error, match=words):
            alice.send(to, "hello", create=True)
    assert bob.take() == []


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_an_agent_is_reached_by_any_spelling_of_its_name(post, alphabet):
    alice, bob = post.agents("alice", "bob")
    alice.send(spelled("bob", alphabet), "hello")
    assert [message.to for message in bob.take()] == [("bob",)]
    assert [agent.name for agent in alice.agents()] == ["alice", "bob", "human"]


def test_close_names_are_suggested_and_never_used():
    assert close_names("bobb", ["bob", "bobby", "zoe"]) == " Did you mean bobby or bob?"
    assert close_names("nothing-like-it", ["bob", "rob"]) == ""
