//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package main

import "os"

// lock does nothing here: that no other process opens the file is up to the user.
func lock(*os.File) error { return nil }

func unlock(*os.File) {}
