// sender sends OTLP trace requests over gRPC as fast as answers come, and prints what each waited.
//
// The requests are read from a file, each after its length (4 bytes, little-endian). Senders share two
// connections, as those of ingest.py. Printed are seconds, one a line, in the order of the answers.
// gRPC for Go takes a tenth of a core where gRPC for Python takes nearly a whole one, which on a
// small machine the server lacks.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
)

const (
	connections = 2
	method      = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
)

// bytesCodec leaves messages as they are: they are encoded already.
type bytesCodec struct{}

func (bytesCodec) Marshal(message any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(message.([]byte))}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, message any) error {
	*message.(*[]byte) = data.Materialize()
	return nil
}

func (bytesCodec) Name() string { return "proto" }

func main() {
	address := flag.String("address", "", "host:port of the receiver")
	file := flag.String("requests", "", "file with requests, each after its length")
	senders := flag.Int("senders", 64, "requests under way")
	seconds := flag.Float64("seconds", 10, "how long to send; less when the requests run out")
	flag.Parse()

	requests := make(chan []byte)
	data, err := os.ReadFile(*file)
	if err != nil {
		log.Fatal(err)
	}
	end := time.Now().Add(time.Duration(*seconds * float64(time.Second)))
	go func() {
		defer close(requests)
		for len(data) > 0 && time.Now().Before(end) {
			length := binary.LittleEndian.Uint32(data)
			requests <- data[4 : 4+length]
			data = data[4+length:]
		}
	}()

	waits := make(chan time.Duration, 1024)
	var working sync.WaitGroup
	for n := range connections {
		connection, err := grpc.NewClient(*address,
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.ForceCodecV2(bytesCodec{})))
		if err != nil {
			log.Fatal(err)
		}
		for range *senders/connections + (*senders%connections+n)/connections {
			working.Go(func() {
				for request := range requests {
					started := time.Now()
					var answer []byte
					if err := connection.Invoke(context.Background(), method, request, &answer); err != nil {
						log.Fatal(err)
					}
					waits <- time.Since(started)
				}
			})
		}
	}
	go func() {
		working.Wait()
		close(waits)
	}()

	out := bufio.NewWriter(os.Stdout)
	for wait := range waits {
		fmt.Fprintf(out, "%g\n", wait.Seconds())
	}
	out.Flush()
}
