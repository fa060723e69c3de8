// A gRPC server behind a Unix socket.
package main

import (
	"context"
	"io"
	"log"
	"net"
	"os"

	"google.golang.org/grpc"

	"rpc/pb"
)

type server struct{ pb.UnimplementedBenchServer }

func (server) Add(_ context.Context, p *pb.Pair) (*pb.Number, error) {
	return &pb.Number{N: p.A + p.B}, nil
}

func (server) Login(_ context.Context, req *pb.LoginRequest) (*pb.LoginResponse, error) {
	return &pb.LoginResponse{
		Succ: req.Password != "", Message: "welcome, " + req.User.Name, Token: []byte{6, 6, 6},
	}, nil
}

func (server) EchoStrings(_ context.Context, s *pb.Strings) (*pb.Strings, error) { return s, nil }

func (server) EchoUsers(_ context.Context, u *pb.Users) (*pb.Users, error) { return u, nil }

func main() {
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	go func() { // ends with the process that started it
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	s := grpc.NewServer(grpc.MaxRecvMsgSize(1<<30), grpc.MaxSendMsgSize(1<<30))
	pb.RegisterBenchServer(s, server{})
	log.Fatal(s.Serve(listener))
}
