// The other way to reach Go: a process of its own, asked through a Unix socket. Each message is four bytes of length
// and JSON.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"io"
	"log"
	"net"
	"os"
)

type User struct {
	ID   uint32 `json:"id"`
	Name string `json:"name"`
	Age  uint8  `json:"age"`
}

type LoginRequest struct {
	User     User   `json:"user"`
	Password string `json:"password"`
}

type LoginResponse struct {
	Succ    bool   `json:"succ"`
	Message string `json:"message"`
	Token   []byte `json:"token"`
}

type request struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

func main() {
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	go func() { // ends with the process that started it
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(connection)
	}
}

func serve(connection net.Conn) {
	defer connection.Close()
	in := bufio.NewReaderSize(connection, 1<<16)
	for {
		var size uint32
		if binary.Read(in, binary.BigEndian, &size) != nil {
			return
		}
		text := make([]byte, size)
		if _, err := io.ReadFull(in, text); err != nil {
			return
		}
		result, err := json.Marshal(handle(text))
		if err != nil {
			return
		}
		out := append(binary.BigEndian.AppendUint32(nil, uint32(len(result))), result...)
		if _, err := connection.Write(out); err != nil {
			return
		}
	}
}

func handle(text []byte) any {
	var r request
	if err := json.Unmarshal(text, &r); err != nil {
		return err.Error()
	}
	switch r.Method {
	case "add":
		var p [2]int
		json.Unmarshal(r.Params, &p)
		return p[0] + p[1]
	case "login":
		var p LoginRequest
		json.Unmarshal(r.Params, &p)
		return LoginResponse{Succ: p.Password != "", Message: "welcome, " + p.User.Name, Token: []byte{6, 6, 6}}
	case "echo_strings":
		var p []string
		json.Unmarshal(r.Params, &p)
		return p
	case "echo_users":
		var p []User
		json.Unmarshal(r.Params, &p)
		return p
	}
	return "no such method"
}
