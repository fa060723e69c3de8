// Exported C functions with protobuf messages in and out.
package main

// #include <stdint.h>
// #include <stdlib.h>
import "C"

import (
	"unsafe"

	"google.golang.org/protobuf/proto"

	"rpc/pb"
)

// answer is a message for the caller to free.
func answer(message proto.Message, size *C.int64_t) unsafe.Pointer {
	data, err := proto.Marshal(message)
	if err != nil {
		panic(err)
	}
	*size = C.int64_t(len(data))
	return C.CBytes(data)
}

func read(data unsafe.Pointer, size C.int64_t, message proto.Message) {
	if err := proto.Unmarshal(unsafe.Slice((*byte)(data), int(size)), message); err != nil {
		panic(err)
	}
}

//export Login
func Login(data unsafe.Pointer, size C.int64_t, out *C.int64_t) unsafe.Pointer {
	var req pb.LoginRequest
	read(data, size, &req)
	return answer(&pb.LoginResponse{
		Succ: req.Password != "", Message: "welcome, " + req.User.Name, Token: []byte{6, 6, 6},
	}, out)
}

//export EchoStrings
func EchoStrings(data unsafe.Pointer, size C.int64_t, out *C.int64_t) unsafe.Pointer {
	var strings pb.Strings
	read(data, size, &strings)
	return answer(&strings, out)
}

//export EchoUsers
func EchoUsers(data unsafe.Pointer, size C.int64_t, out *C.int64_t) unsafe.Pointer {
	var users pb.Users
	read(data, size, &users)
	return answer(&users, out)
}

//export EchoTree
func EchoTree(data unsafe.Pointer, size C.int64_t, out *C.int64_t) unsafe.Pointer {
	var tree pb.Tree
	read(data, size, &tree)
	return answer(&tree, out)
}

//export Free
func Free(memory unsafe.Pointer) { C.free(memory) }

func main() {}
