"""The acceptance suite: what it asks of accounts, synchronous and asynchronous."""

from __future__ import annotations

import asyncio
from typing import Any

import libraries
import pytest

import gobind

accounts_py = libraries.contract_of("accounts")
Accounts, LoginRequest, User = accounts_py.Accounts, accounts_py.LoginRequest, accounts_py.User
FriendsListRequest, PMFriendRequest = accounts_py.FriendsListRequest, accounts_py.PMFriendRequest
LoginResponse, PMFriendResponse = accounts_py.LoginResponse, accounts_py.PMFriendResponse

TOKEN = b"\x06\x06\x06"
KNOWN = {1: User(1, "test"), 2: User(2, "test2"), 3: User(3, "test3")}


@pytest.fixture(scope="module")
def accounts() -> Any:
    return libraries.load("accounts", Accounts)


@pytest.mark.parametrize("n", [1995, 0, -1, 2**63 - 1, -(2**63), 2**32, -(2**31) - 1])
def test_ping_returns_its_argument(accounts: Any, n: int) -> None:
    assert accounts.ping(n) == n


@pytest.mark.parametrize("n", [2**63, -(2**63) - 1, 10**100])
def test_ping_refuses_integers_of_more_than_64_bits(accounts: Any, n: int) -> None:
    with pytest.raises(OverflowError) as caught:
        accounts.ping(n)
    told = "an integer of 333 bits" if n == 10**100 else str(n)
    assert str(caught.value) == f"n: {told} does not fit int"


@pytest.mark.parametrize(
    ("id", "name", "password", "succ", "message"),
    [
        (1, "", "test_psw", True, "login success"),
        (0, "test", "test_psw", True, "login success"),
        (1, "", "wrong_psw", False, "invalid password"),
        (100, "", "", False, "user not exist"),
        (0, "", "", False, "user not exist"),
        (0, "", "test_psw", False, "user not exist"),
        (0, "test", "", False, "invalid password"),
        (2, "", "test2_psw", True, "login success"),
        (3, "test3", "test3_psw", True, "login success"),
        (1, "test2", "test2_psw", True, "login success"),
    ],
)
def test_login_answers_by_user_and_password(
    accounts: Any, id: int, name: str, password: str, succ: bool, message: str
) -> None:
    made = accounts.login(LoginRequest(User(id, name), password))
    assert made == LoginResponse(succ, message, TOKEN if succ else b"")
    assert type(made.token) is bytes and type(made.succ) is bool
    assert accounts.logout(User(id, name, 255)) is None


USER_IDS = [
    (b"", [], []),
    (TOKEN, [100, 101, 102], []),
    (TOKEN, [1, 2, 3], [1, 2, 3]),
    (TOKEN, [1, 1, 1], [1]),
    (TOKEN, [], []),
    (TOKEN, [*range(1, 11)], [1, 2, 3]),
    (TOKEN, (3, 1), [3, 1]),
    (b"\x06\x06", [1, 2, 3], []),
    (bytearray(TOKEN), [2], [2]),
    (memoryview(TOKEN), [2], [2]),
]


@pytest.mark.parametrize(("token", "ids", "found"), USER_IDS)
def test_add_friends_returns_the_known_users(accounts: Any, token: Any, ids: Any, found: list[int]) -> None:
    made = asyncio.run(accounts.add_friends(FriendsListRequest(token, ids)))
    assert made.users == [KNOWN[id] for id in found]


@pytest.mark.parametrize(
    ("token", "ids", "found"),
    [
        (TOKEN, [1, 3], [1, 3]),
        (TOKEN, [100, 101], []),
        (TOKEN, [], []),
        (b"", [], []),
        (b"", [1], []),
        (TOKEN, [1, 2, 3], [1, 2, 3]),
    ],
)
def test_delete_friends_returns_the_removed_users(
    accounts: Any, token: bytes, ids: list[int], found: list[int]
) -> None:
    async def main() -> Any:
        await accounts.add_friends(FriendsListRequest(TOKEN, [1, 2, 3]))
        return await accounts.delete_friends(FriendsListRequest(token, ids))

    assert asyncio.run(main()).users == [KNOWN[id] for id in found]


@pytest.mark.parametrize(
    ("id", "token", "message", "succ", "answer"),
    [
        (1, TOKEN, "hello", True, "send success"),
        (8, TOKEN, "hello", False, "user not exist"),
        (1, b"", "hello", False, "invalid token"),
        (1, TOKEN, "", True, "send success"),
        (1, TOKEN, "a" * 1000, True, "send success"),
        (2, TOKEN, "hello", True, "send success"),
        (3, TOKEN, "hello", True, "send success"),
    ],
)
def test_pm_friend_answers_by_token_and_receiver(
    accounts: Any, id: int, token: bytes, message: str, succ: bool, answer: str
) -> None:
    made = asyncio.run(accounts.pm_friend(PMFriendRequest(id, token, message)))
    assert made == PMFriendResponse(succ, answer)


def test_login_friends_message_and_logout_work_in_sequence(accounts: Any) -> None:
    async def main() -> None:
        login = accounts.login(LoginRequest(User(1, ""), "test_psw"))
        assert login.succ
        added = await accounts.add_friends(FriendsListRequest(login.token, [2, 3]))
        assert added.users == [KNOWN[2], KNOWN[3]]
        for friend in added.users:
            sent = await accounts.pm_friend(PMFriendRequest(friend.id, login.token, f"hello {friend.name}"))
            assert sent.succ
        removed = await accounts.delete_friends(FriendsListRequest(login.token, [2]))
        assert removed.users == [KNOWN[2]]
        accounts.logout(User(1, "test"))

    asyncio.run(main())


def test_several_parameters_arrive_in_order(accounts: Any) -> None:
    user, token = User(1, "test_user", 25), bytes([1, 2, 3, 4, 5])
    made = asyncio.run(accounts.multi_param_test(user, "test message", token))
    assert made == LoginResponse(True, "Received user test_user with message: test message", token)


def test_many_in_flight_each_get_their_own_answer(accounts: Any) -> None:
    async def main() -> list[Any]:
        calls = [accounts.multi_param_test(User(n, str(n)), "m" * n, bytes([n % 256])) for n in range(2000)]
        return await asyncio.gather(*calls)

    for n, made in enumerate(asyncio.run(main())):
        assert made.message == f"Received user {n} with message: {'m' * n}"
        assert made.token == bytes([n % 256])


def test_keywords_and_defaults(accounts: Any) -> None:
    assert accounts.ping(n=5) == 5
    made = asyncio.run(accounts.multi_param_test(token=b"t", message="m", user=User(id=1, name="u")))
    assert made.token == b"t"


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        (LoginRequest(User("1", "test"), "p"), TypeError, "LoginRequest.user.id: expected u32, got str"),
        (
            LoginRequest(User(2**32, ""), ""),
            OverflowError,
            "LoginRequest.user.id: 4294967296 does not fit u32",
        ),
        (LoginRequest(User(-1, ""), ""), OverflowError, "LoginRequest.user.id: -1 does not fit u32"),
        (LoginRequest(User(1, "", 256), ""), OverflowError, "LoginRequest.user.age: 256 does not fit u8"),
        (LoginRequest(User(1, b"x"), ""), TypeError, "LoginRequest.user.name: expected str, got bytes"),
        (LoginRequest(User(1, ""), None), TypeError, "LoginRequest.password: expected str, got NoneType"),
        (LoginRequest(None, ""), TypeError, "LoginRequest.user: expected User, got NoneType"),
        (User(1, ""), TypeError, "req: expected LoginRequest, got User"),
        ("x", TypeError, "req: expected LoginRequest, got str"),
    ],
)
def test_wrong_requests_are_refused_with_the_path(
    accounts: Any, request_: Any, error: type, message: str
) -> None:
    with pytest.raises(error) as caught:
        accounts.login(request_)
    assert str(caught.value) == message


def test_a_lone_surrogate_is_refused_with_its_path(accounts: Any) -> None:
    with pytest.raises(UnicodeEncodeError) as caught:
        accounts.login(LoginRequest(User(1, "a\ud800b"), ""))
    assert caught.value.reason == "LoginRequest.user.name: surrogates not allowed"
    assert (caught.value.start, caught.value.end) == (1, 2)


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        (
            FriendsListRequest(b"", [1, 2, 3, 2**32]),
            OverflowError,
            "user_ids[3]: 4294967296 does not fit u32",
        ),
        (FriendsListRequest(b"", [1, "2"]), TypeError, "user_ids[1]: expected u32, got str"),
        (FriendsListRequest(b"", 5), TypeError, "user_ids: expected list[u32], got int"),
        (FriendsListRequest("", []), TypeError, "token: expected bytes, got str"),
    ],
)
def test_wrong_requests_of_awaited_calls_are_refused_with_the_path(
    accounts: Any, request_: Any, error: type, message: str
) -> None:
    with pytest.raises(error) as caught:
        asyncio.run(accounts.add_friends(request_))
    assert str(caught.value) == f"FriendsListRequest.{message}"


def test_a_library_works_without_the_contracts_classes() -> None:
    library = libraries.load("accounts")
    assert isinstance(library, gobind.Library)
    assert library.Accounts.ping(5) == 5
