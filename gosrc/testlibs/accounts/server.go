// Accounts of the acceptance suite, kept in memory: three users, of whom each may befriend the others.
package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
)

var validToken = []byte{6, 6, 6}

type account struct {
	name     string
	password string
}

// server implements Accounts. The mutex is there because calls come from many threads.
type server struct {
	mutex    sync.Mutex
	accounts map[uint32]account
	friends  map[uint32]bool
}

func newServer() *server {
	return &server{
		accounts: map[uint32]account{
			1: {"test", "test_psw"},
			2: {"test2", "test2_psw"},
			3: {"test3", "test3_psw"},
		},
		friends: map[uint32]bool{},
	}
}

func init() { RegisterAccounts(newServer()) }

func (s *server) Ping(_ context.Context, n int) (int, error) { return n, nil }

func (s *server) Login(_ context.Context, req *LoginRequest) (LoginResponse, error) {
	found, ok := s.find(&req.User)
	switch {
	case !ok:
		return LoginResponse{Message: "user not exist"}, nil
	case found.password != req.Password:
		return LoginResponse{Message: "invalid password"}, nil
	}
	return LoginResponse{Succ: true, Message: "login success", Token: validToken}, nil
}

// find looks a user up by name, or by id if there is no name.
func (s *server) find(user *User) (account, bool) {
	if user.Name == "" {
		found, ok := s.accounts[user.ID]
		return found, ok
	}
	for _, found := range s.accounts {
		if found.name == user.Name {
			return found, true
		}
	}
	return account{}, false
}

func (s *server) Logout(context.Context, *User) error { return nil }

func (s *server) AddFriends(_ context.Context, req *FriendsListRequest) (FriendsListResponse, error) {
	return s.change(req, true), nil
}

func (s *server) DeleteFriends(_ context.Context, req *FriendsListRequest) (FriendsListResponse, error) {
	return s.change(req, false), nil
}

// change makes the users of the request friends, or no friends, and lists them: each known one once.
func (s *server) change(req *FriendsListRequest, friends bool) FriendsListResponse {
	var response FriendsListResponse
	if !bytes.Equal(req.Token, validToken) {
		return response
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	listed := map[uint32]bool{}
	for _, id := range req.UserIDs {
		found, known := s.accounts[id]
		if !known || listed[id] {
			continue
		}
		listed[id] = true
		s.friends[id] = friends
		response.Users = append(response.Users, User{ID: id, Name: found.name})
	}
	return response
}

func (s *server) PmFriend(_ context.Context, req *PMFriendRequest) (PMFriendResponse, error) {
	if !bytes.Equal(req.Token, validToken) {
		return PMFriendResponse{Message: "invalid token"}, nil
	}
	if _, known := s.accounts[req.UserID]; !known {
		return PMFriendResponse{Message: "user not exist"}, nil
	}
	return PMFriendResponse{Succ: true, Message: "send success"}, nil
}

func (s *server) MultiParamTest(
	_ context.Context, user *User, message string, token []byte,
) (LoginResponse, error) {
	message = fmt.Sprintf("Received user %s with message: %s", user.Name, message)
	return LoginResponse{Succ: true, Message: message, Token: token}, nil
}
