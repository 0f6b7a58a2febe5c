//go:build tools

// Package tools pins the versions of grpc-go's interop programs, which run.sh builds.
package tools

import (
	_ "google.golang.org/grpc/interop/client"
	_ "google.golang.org/grpc/interop/server"
)
