// grpc-go beside the floors: the same command line and line of result as bench/client.cc.
//
//	grpc_go server [cpu=N]
//	grpc_go client port=N[,N...] [mode=unary|both|many size=N inflight=N streams=N ...]
//	grpc_go idle port=N[,N...] [channels=N] [connect=0]
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

type arguments []string

func (a arguments) text(name, otherwise string) string {
	for _, one := range a {
		if rest, found := strings.CutPrefix(one, name+"="); found {
			return rest
		}
	}
	return otherwise
}

func (a arguments) number(name string, otherwise float64) float64 {
	if value, err := strconv.ParseFloat(a.text(name, ""), 64); err == nil {
		return value
	}
	return otherwise
}

func (a arguments) count(name string, otherwise int) int {
	return int(a.number(name, float64(otherwise)))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// pin keeps all threads of this program on one CPU. Those that the runtime has started already
// stay where they were, so the program starts itself anew.
func pin(cpu int) {
	var now, wanted unix.CPUSet
	check(unix.SchedGetaffinity(0, &now))
	wanted.Set(cpu)
	if now == wanted {
		return
	}
	check(unix.SchedSetaffinity(0, &wanted))
	self, err := os.Executable()
	check(err)
	check(unix.Exec(self, os.Args, os.Environ()))
}

func main() {
	if len(os.Args) < 2 {
		check(fmt.Errorf("server, client or idle?"))
	}
	a := arguments(os.Args[2:])
	if cpu := a.count("cpu", -1); cpu >= 0 {
		pin(cpu)
	}
	switch os.Args[1] {
	case "server":
		serve()
	case "client":
		measure(a)
	case "idle":
		idle(a)
	}
}
