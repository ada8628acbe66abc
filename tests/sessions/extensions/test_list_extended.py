"""LIST-EXTENDED: RFC 5258 §5, example by example. INBOX may have children here, as every mailbox; none is remote."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation, listed


def tree(talk: Conversation, names: str, subscribed: str) -> Conversation:
    for name in ("Drafts", "Sent", "Archive", "Junk", "Trash"):
        talk.say(f"d DELETE {name}")
        talk.say(f"d UNSUBSCRIBE {name}")
    talk.say("d UNSUBSCRIBE INBOX")
    for name in names.split():
        assert talk.say(f"c CREATE {name}")[-1].startswith("c OK"), name
    for name in subscribed.split():
        assert talk.say(f"s SUBSCRIBE {name}")[-1].startswith("s OK"), name
    return talk


@pytest.fixture
def fruit(talk: Conversation) -> Conversation:
    """Examples 1 to 6."""
    return tree(
        talk,
        "Fruit Fruit/Apple Fruit/Banana Tofu Vegetable Vegetable/Broccoli Vegetable/Corn",
        "INBOX Fruit/Banana Fruit/Peach Vegetable Vegetable/Broccoli",
    )


def test_example_1(fruit: Conversation) -> None:
    assert set(listed(fruit.say('A01 LIST "" "*"'))) == {
        "INBOX", "Fruit", "Fruit/Apple", "Fruit/Banana", "Tofu", "Vegetable", "Vegetable/Broccoli", "Vegetable/Corn",
    }  # fmt: skip


SUBSCRIBED = {
    "INBOX": "\\HasNoChildren \\Subscribed",
    "Fruit/Banana": "\\HasNoChildren \\Subscribed",
    "Fruit/Peach": "\\NonExistent \\HasNoChildren \\Subscribed",
    "Vegetable": "\\HasChildren \\Subscribed",
    "Vegetable/Broccoli": "\\HasNoChildren \\Subscribed",
}


def test_examples_2_and_5(fruit: Conversation) -> None:
    """What is subscribed to, whether it is there or not; and what is remote, which nothing is."""
    assert listed(fruit.say('A02 LIST (SUBSCRIBED) "" "*"')) == SUBSCRIBED
    assert listed(fruit.say('A05 LIST (REMOTE SUBSCRIBED) "" "*"')) == SUBSCRIBED


def test_examples_3_and_4(fruit: Conversation) -> None:
    for line in ('A03 LIST () "" "%" RETURN (CHILDREN)', 'A04 LIST (REMOTE) "" "%" RETURN (CHILDREN)'):
        assert listed(fruit.say(line)) == {
            "INBOX": "\\HasNoChildren",
            "Fruit": "\\HasChildren",
            "Tofu": "\\HasNoChildren",
            "Vegetable": "\\HasChildren",
        }


def test_example_6(fruit: Conversation) -> None:
    told = listed(fruit.say('A06 LIST (REMOTE) "" "*" RETURN (SUBSCRIBED)'))
    assert {name for name, attributes in told.items() if "\\Subscribed" in attributes} == {
        "INBOX", "Fruit/Banana", "Vegetable", "Vegetable/Broccoli",
    }  # fmt: skip
    assert {"Fruit", "Fruit/Apple", "Tofu", "Vegetable/Corn"} <= set(told)
    assert "Fruit/Peach" not in told, "RETURN selects nothing"


def test_example_7(talk: Conversation) -> None:
    """Several patterns."""
    tree(talk, "Drafts Sent Sent/March2004 Sent/December2003 Sent/August2004 Other", "")
    assert set(listed(talk.say('BBB LIST "" ("INBOX" "Drafts" "Sent/%")'))) == {
        "INBOX", "Drafts", "Sent/March2004", "Sent/December2003", "Sent/August2004",
    }  # fmt: skip


CHILDINFO = 'Foo ("CHILDINFO" ("SUBSCRIBED"))'


def test_example_8(talk: Conversation) -> None:
    r"""What \HasChildren tells, and what CHILDINFO."""
    tree(talk, "Foo Foo/Bar Foo/Baz Moo", "Foo/Baz")
    assert set(listed(talk.say('C01 LIST "" "*"'))) == {"INBOX", "Foo", "Foo/Bar", "Foo/Baz", "Moo"}
    assert listed(talk.say('CA3 LIST "" "%" RETURN (CHILDREN)')) == {
        "INBOX": "\\HasNoChildren",
        "Foo": "\\HasChildren",
        "Moo": "\\HasNoChildren",
    }
    assert listed(talk.say('C02 LIST (SUBSCRIBED) "" "*"')) == {"Foo/Baz": "\\HasNoChildren \\Subscribed"}
    assert listed(talk.say('C03 LIST (SUBSCRIBED) "" "%"')) == {}
    recursive = 'C04 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"'
    assert listed(talk.say(recursive)) == {CHILDINFO: "\\HasChildren"}
    talk.say("s SUBSCRIBE Foo")
    assert listed(talk.say(recursive)) == {CHILDINFO: "\\HasChildren \\Subscribed"}


def test_example_8_without_the_parent(talk: Conversation) -> None:
    """A2: the parent was removed. What is left of it is a name that can't be selected, and its children are there."""
    tree(talk, "Foo/Bar Foo/Baz Moo", "Foo/Baz")
    told = listed(talk.say('C04 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"'))
    assert set(told) == {CHILDINFO} and "\\Subscribed" not in told[CHILDINFO]


def test_example_8_with_other_subscriptions(talk: Conversation) -> None:
    """B and C: of children that nobody has subscribed to CHILDINFO says nothing."""
    tree(talk, "Foo Foo/Bar Foo/Baz Moo", "")
    assert listed(talk.say('C04 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"')) == {}
    for name in ("Foo", "Moo"):
        talk.say(f"s SUBSCRIBE {name}")
    assert listed(talk.say('C04 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%" RETURN (CHILDREN)')) == {
        "Foo": "\\HasChildren \\Subscribed",
        "Moo": "\\HasNoChildren \\Subscribed",
    }


def test_example_9(talk: Conversation) -> None:
    """CHILDINFO where the pattern meets the parent, and not all of its children."""
    tree(
        talk,
        "foo2 foo2/bar1 foo2/bar2 baz2 baz2/bar2 baz2/bar22 baz2/bar222 eps2 eps2/mamba qux2/bar2",
        "foo2/bar1 foo2/bar2 baz2/bar2 baz2/bar22 baz2/bar222 eps2 eps2/mamba qux2/bar2",
    )
    assert len(listed(talk.say('D01 LIST "" "*"'))) >= 11
    assert set(listed(talk.say('D02 LIST (SUBSCRIBED) "" "*"'))) == {
        "foo2/bar1", "foo2/bar2", "baz2/bar2", "baz2/bar22", "baz2/bar222", "eps2", "eps2/mamba", "qux2/bar2",
    }  # fmt: skip
    told = listed(talk.say('D03 LIST (RECURSIVEMATCH SUBSCRIBED) "" "*2"'))
    assert {name: "\\Subscribed" in attributes for name, attributes in told.items()} == {
        'foo2 ("CHILDINFO" ("SUBSCRIBED"))': False,
        "foo2/bar2": True,
        "baz2/bar2": True,
        "baz2/bar22": True,
        "baz2/bar222": True,
        'eps2 ("CHILDINFO" ("SUBSCRIBED"))': True,
        "qux2/bar2": True,
    }


def test_children_that_the_pattern_means_too(talk: Conversation) -> None:
    """§3.1, Note 2, and the table of §3.5: CHILDINFO is there; but no parent is told for their sake alone (§3.3)."""
    tree(talk, "eps2/mamba epsilon/a", "eps2 eps2/mamba epsilon/a")
    talk.run(r"""
        1: a1 LIST (SUBSCRIBED RECURSIVEMATCH) "" eps*
        1< * LIST (\HasChildren \Subscribed) "/" eps2 ("CHILDINFO" ("SUBSCRIBED"))
        1< * LIST (\HasNoChildren \Subscribed) "/" eps2/mamba
        1< * LIST (\HasNoChildren \Subscribed) "/" epsilon/a
        1< a1 OK LIST completed
        1: a2 LIST (SUBSCRIBED RECURSIVEMATCH) "" eps%
        1< * LIST (\HasChildren \Subscribed) "/" eps2 ("CHILDINFO" ("SUBSCRIBED"))
        1< * LIST (\HasChildren) "/" epsilon ("CHILDINFO" ("SUBSCRIBED"))
        1< a2 OK LIST completed
    """)


def test_example_10(talk: Conversation) -> None:
    """A child that is subscribed to and isn't there."""
    tree(talk, "foo", "foo/bar")
    talk.run(r"""
        1: a1 LIST "" ("foo" "foo/*")
        1< * LIST (\HasNoChildren) "/" foo
        1< a1 OK LIST completed
        1: a2 LIST (SUBSCRIBED) "" "foo/*"
        1< * LIST (\NonExistent \HasNoChildren \Subscribed) "/" foo/bar
        1< a2 OK LIST completed
        1: a3 LIST (SUBSCRIBED RECURSIVEMATCH) "" foo RETURN (CHILDREN)
        1< * LIST (\HasNoChildren) "/" foo ("CHILDINFO" ("SUBSCRIBED"))
        1< a3 OK LIST completed
    """)


def test_example_11(talk: Conversation) -> None:
    """Levels that are missing: CREATE makes them here (RFC 9051 §6.3.4), so they are mailboxes."""
    tree(talk, "music/rock", "")
    assert set(listed(talk.say('a1 LIST (REMOTE) "" *'))) >= {"music/rock"}
    assert "\\HasChildren" in listed(talk.say('a2 LIST () "" %'))["music"]
    assert set(listed(talk.say('a3.1 LIST "" (% music/rock)'))) >= {"music/rock"}


def test_what_is_not_allowed(talk: Conversation) -> None:
    """§3: RECURSIVEMATCH says how others select, and selects nothing; an option that isn't known is an error."""
    talk.run("""
        1: a1 LIST (RECURSIVEMATCH) "" "*"
        1< a1 BAD...
        1: a2 LIST (REMOTE RECURSIVEMATCH) "" "*"
        1< a2 BAD...
        1: a3 LIST (FAVOURITE) "" "*"
        1< a3 BAD...
        1: a4 LIST "" "*" RETURN (COLOUR)
        1< a4 BAD...
    """)
