"""The accounts of the acceptance suite: users, log-ins, friends and private messages."""

from __future__ import annotations

from typing import Protocol

from gobind import gointerface, gostruct, u8, u32


@gostruct
class User:
    id: u32
    name: str
    age: u8 = 0


@gostruct
class LoginRequest:
    user: User
    password: str


@gostruct
class LoginResponse:
    succ: bool
    message: str
    token: bytes


@gostruct
class FriendsListRequest:
    token: bytes
    user_ids: list[u32]


@gostruct
class FriendsListResponse:
    users: list[User]


@gostruct
class PMFriendRequest:
    user_id: u32
    token: bytes
    message: str


@gostruct
class PMFriendResponse:
    succ: bool
    message: str


@gointerface
class Accounts(Protocol):
    """What a social network needs to know of its users."""

    def ping(self, n: int) -> int: ...
    def login(self, req: LoginRequest) -> LoginResponse: ...
    def logout(self, user: User) -> None: ...
    async def add_friends(self, req: FriendsListRequest) -> FriendsListResponse: ...
    async def delete_friends(self, req: FriendsListRequest) -> FriendsListResponse: ...
    async def pm_friend(self, req: PMFriendRequest) -> PMFriendResponse: ...
    async def multi_param_test(self, user: User, message: str, token: bytes) -> LoginResponse: ...
