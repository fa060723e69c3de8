package gobind

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"unsafe"
)

// SetEnviron sets the environment variables in size bytes at text: NAME=value, or NAME to unset it, each followed by
// a NUL. If the first is empty, all others are unset. A Go library sees only the environment that the process was
// started with; the settings of Go's runtime are applied too.
func SetEnviron(text unsafe.Pointer, size uint64) {
	entries := strings.Split(string(unsafe.Slice((*byte)(text), int(size))), "\x00")
	if entries[0] == "" {
		unsetOthers(entries)
	}
	for _, entry := range entries {
		at := strings.IndexByte(entry, '=')
		switch {
		case at > 0:
			if old, ok := os.LookupEnv(entry[:at]); !ok || old != entry[at+1:] {
				os.Setenv(entry[:at], entry[at+1:])
				applySetting(entry[:at], entry[at+1:])
			}
		case entry != "":
			os.Unsetenv(entry)
		}
	}
}

// unsetOthers unsets the variables that are in none of the entries.
func unsetOthers(entries []string) {
	wanted := map[string]bool{}
	for _, entry := range entries {
		if at := strings.IndexByte(entry, '='); at > 0 {
			wanted[entry[:at]] = true
		}
	}
	for _, entry := range os.Environ() {
		if at := strings.IndexByte(entry, '='); at > 0 && !wanted[entry[:at]] {
			os.Unsetenv(entry[:at])
		}
	}
}

// applySetting applies a variable as Go's runtime does when a program starts.
func applySetting(name, value string) {
	switch name {
	case "GOMAXPROCS":
		if n, err := strconv.Atoi(value); err == nil && n > 0 {
			runtime.GOMAXPROCS(n)
		}
	case "GOGC":
		if n, err := strconv.Atoi(value); err == nil {
			debug.SetGCPercent(n)
		} else if value == "off" {
			debug.SetGCPercent(-1)
		}
	case "GOMEMLIMIT":
		if n, ok := parseBytes(value); ok {
			setMemoryLimit(n)
		}
	}
}

// parseBytes reads a size as GOMEMLIMIT has it: a number and B, KiB, MiB, GiB or TiB, or "off".
func parseBytes(text string) (int64, bool) {
	if text == "off" {
		return math.MaxInt64, true
	}
	units := []struct {
		suffix string
		size   int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"B", 1}, {"", 1}}
	for _, unit := range units {
		if n := len(text) - len(unit.suffix); n > 0 && text[n:] == unit.suffix {
			value, err := strconv.ParseInt(text[:n], 10, 64)
			return value * unit.size, err == nil && value >= 0 && value <= math.MaxInt64/unit.size
		}
	}
	return 0, false
}

// Control reads a setting of Go's runtime and, if value is not ControlKeep, changes it. It returns the previous
// value.
func Control(what, value int64) int64 {
	keep := value == ControlKeep
	switch what {
	case ControlMaxprocs:
		if keep {
			value = 0
		}
		return int64(runtime.GOMAXPROCS(int(value)))
	case ControlMemoryLimit:
		if keep {
			value = -1
		}
		return setMemoryLimit(value)
	case ControlGcPercent:
		old := debug.SetGCPercent(int(value))
		if keep {
			debug.SetGCPercent(old)
		}
		return int64(old)
	case ControlGc:
		runtime.GC()
	case ControlDropped:
		return Dropped()
	case ControlCloseStreams:
		closeStreamsOf(uint64(value))
	}
	return 0
}

// Stats writes figures for operators: goroutines, bytes of the heap, live handles, calls so far.
func Stats(to unsafe.Pointer) {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	words := unsafe.Slice((*int64)(to), 4)
	words[0] = int64(runtime.NumGoroutine())
	words[1] = int64(memory.HeapAlloc)
	words[2] = Live()
	words[3] = atomic.LoadInt64(&callCount)
}
