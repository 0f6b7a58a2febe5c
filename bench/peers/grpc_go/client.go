package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

const (
	replies   = 1000 // Of Many.
	unaryPath = "/rondo.bench.Echo/Unary"
	bothPath  = "/rondo.bench.Echo/Both"
	manyPath  = "/rondo.bench.Echo/Many"
)

func open(ports []string) *grpc.ClientConn {
	var state resolver.State
	for _, port := range ports {
		state.Endpoints = append(state.Endpoints,
			resolver.Endpoint{Addresses: []resolver.Address{{Addr: "127.0.0.1:" + port}}})
	}
	backends := manual.NewBuilderWithScheme("ports")
	backends.InitialState(state)
	channel, err := grpc.NewClient("ports:///", grpc.WithResolvers(backends), grpc.WithAuthority("127.0.0.1"),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`))
	check(err)
	return channel
}

func measure(a arguments) {
	printStarted()
	channel := open(strings.Split(a.text("port", ""), ","))
	size, inFlight := a.count("size", 16), a.count("inflight", 100)
	request := &message{Value: strings.Repeat("a", size)}
	switch a.text("mode", "unary") {
	case "unary":
		run(a, inFlight, func(w *worker) {
			for !over.Load() {
				begun, reply := time.Now(), new(message)
				err := channel.Invoke(context.Background(), unaryPath, request, reply)
				w.ended(begun)
				w.judge(err, reply, size)
			}
		})
	case "both":
		run(a, a.count("streams", 1), func(w *worker) { bothWays(w, channel, request, inFlight) })
	case "many":
		run(a, inFlight, func(w *worker) {
			for !over.Load() {
				serverStream(w, channel, request)
			}
		})
	}
}

func (w *worker) judge(err error, reply *message, size int) {
	if err == nil && len(reply.Value) == size {
		return
	}
	if w.failed == 0 {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	w.failed++
}

func newStream(channel *grpc.ClientConn, path string, client bool) grpc.ClientStream {
	stream, err := channel.NewStream(context.Background(),
		&grpc.StreamDesc{ServerStreams: true, ClientStreams: client}, path)
	check(err)
	return stream
}

// bothWays keeps so many messages in flight: one goroutine writes, this one reads.
func bothWays(w *worker, channel *grpc.ClientConn, request *message, inFlight int) {
	stream := newStream(channel, bothPath, true)
	begun := make(chan time.Time, inFlight)
	if inFlight == 1 { // No second goroutine is needed then.
		for !over.Load() {
			at, reply := time.Now(), new(message)
			check(stream.SendMsg(request))
			w.judge(stream.RecvMsg(reply), reply, len(request.Value))
			w.ended(at)
		}
		return
	}
	free := make(chan struct{}, inFlight)
	for range inFlight {
		free <- struct{}{}
	}
	go func() {
		for range free {
			begun <- time.Now()
			if stream.SendMsg(request) != nil {
				return
			}
		}
	}()
	for !over.Load() {
		reply := new(message)
		w.judge(stream.RecvMsg(reply), reply, len(request.Value))
		w.ended(<-begun)
		free <- struct{}{}
	}
}

func serverStream(w *worker, channel *grpc.ClientConn, request *message) {
	begun, stream := time.Now(), newStream(channel, manyPath, false)
	check(stream.SendMsg(request))
	check(stream.CloseSend())
	for range replies {
		reply := new(message)
		w.judge(stream.RecvMsg(reply), reply, len(request.Value))
		w.ended(begun)
	}
	for stream.RecvMsg(new(message)) == nil {
		w.failed++
	}
}

// idle connects without calling, and waits for a line on stdin.
func idle(a arguments) {
	ports := strings.Split(a.text("port", ""), ",")
	printStarted()
	for range a.count("channels", 1) {
		channel := open(ports)
		if a.count("connect", 1) == 1 {
			channel.Connect()
		}
		defer channel.Close()
	}
	bufio.NewReader(os.Stdin).ReadString('\n')
	fmt.Printf(`{"resident_kib": %d, "threads": %d}`+"\n", status("VmRSS"), status("Threads"))
}
