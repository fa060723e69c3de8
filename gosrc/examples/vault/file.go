package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
)

// head is how BuntDB's files begin.
const head = "*3\r\n$3\r\nset\r\n$"

// claim opens the file of a store and locks it. It refuses a file that is no store: BuntDB would take one
// without line ends for a store that was cut short, and empty it.
func claim(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err := inspect(file); err != nil {
		_ = file.Close() // nothing was written
		return nil, err
	}
	return file, nil
}

func inspect(file *os.File) error {
	if err := lock(file); err != nil {
		return fmt.Errorf("%s is in use by another program: %w", file.Name(), err)
	}
	begin := make([]byte, len(head))
	n, err := io.ReadFull(file, begin)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	if !strings.HasPrefix(head, string(bytes.ToLower(begin[:n]))) {
		return fmt.Errorf("%s is not a store of places", file.Name())
	}
	return nil
}

// release gives the file free for other processes.
func (s *store) release() {
	if s.file != nil {
		unlock(s.file)
		_ = s.file.Close() // nothing was written through it
	}
}
