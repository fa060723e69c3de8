"""Names of Python as Go spells them."""

from __future__ import annotations

import pytest

from gobind import ContractError
from gobind.tool.generator.gonames import Names, class_name, constant, exported, method_name, parameter


@pytest.mark.parametrize(
    ("name", "field", "param"),
    [
        ("name", "Name", "name"),
        ("user_id", "UserID", "userID"),
        ("user_ids", "UserIDs", "userIDs"),
        ("userId", "UserID", "userID"),
        ("UserIDs", "UserIDs", "userIDs"),
        ("id", "ID", "id"),
        ("ids", "IDs", "ids"),
        ("url_path", "URLPath", "urlPath"),
        ("my_api", "MyAPI", "myAPI"),
        ("HTTPServer", "HTTPServer", "httpServer"),
        ("utf8_text", "UTF8Text", "utf8Text"),
        ("idle_idea", "IdleIdea", "idleIdea"),
        ("x2", "X2", "x2"),
        ("_2d", "X2d", "x2d"),
        ("_private", "Private", "private"),
        ("a__b_", "AB", "aB"),
        ("größe", "Größe", "größe"),
        ("名", "X名", "名"),
        ("type", "Type", "type_"),
        ("len", "Len", "len_"),
        ("string", "String", "string_"),
        ("ctx", "Ctx", "ctx_"),
        ("time", "Time", "time_"),
    ],
)
def test_fields_and_parameters(name: str, field: str, param: str) -> None:
    assert (exported(name), parameter(name)) == (field, param)


def test_enum_members_are_spelled_in_camel_case() -> None:
    assert [constant(name) for name in ("RED", "DARK_RED", "Red", "HTTP_OK", "red", "A1")] == [
        "Red", "DarkRed", "Red", "HTTPOk", "Red", "A1",
    ]  # fmt: skip


def test_class_names_are_exported_without_underscores() -> None:
    names = ("User", "user", "PMFriend", "user_account", "_User", "HttpServer")
    spelled = ["User", "User", "PMFriend", "UserAccount", "User", "HttpServer"]
    assert [class_name(name) for name in names] == spelled


def test_a_name_that_go_does_not_take() -> None:
    with pytest.raises(ContractError) as caught:
        exported("a·b", "User.a·b")
    assert str(caught.value) == "User.a·b: '·' cannot stand in a Go name; rename it"


@pytest.mark.parametrize("name", ["ping", "", "Two Words", "2D"])
def test_method_names_must_be_exported(name: str) -> None:
    with pytest.raises(ContractError) as caught:
        method_name(name, "A.ping")
    assert str(caught.value) == f"A.ping: name must be an exported Go name such as Ping, got {name!r}"


def test_collisions_name_both() -> None:
    names = Names("User: fields")
    assert names.take("UserID", "user_id") == "UserID"
    with pytest.raises(ContractError) as caught:
        names.take("UserID", "userId")
    assert str(caught.value) == "User: fields user_id and userId are both UserID in Go"
