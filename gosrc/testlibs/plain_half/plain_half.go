// A library of the right version that lacks the functions of gobind's glue.
package main

import "C"

import "gosrc/gobind"

func main() {}

var description = C.CString(gobind.Head + "}")

//export gobind_describe
func gobind_describe() *C.char { return description }
