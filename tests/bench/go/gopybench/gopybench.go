// Package gopybench is what gopy makes a Python module of.
package gopybench

type User struct {
	ID   uint32
	Name string
	Age  uint8
}

type LoginRequest struct {
	User     User
	Password string
}

type LoginResponse struct {
	Succ    bool
	Message string
	Token   []byte
}

func Add(a, b int) int { return a + b }

func Login(req *LoginRequest) *LoginResponse {
	return &LoginResponse{Succ: req.Password != "", Message: "welcome, " + req.User.Name, Token: []byte{6, 6, 6}}
}

func EchoStrings(strings []string) []string { return strings }

func EchoUsers(users []User) []User { return users }
