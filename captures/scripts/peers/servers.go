// SPDX-License-Identifier: MIT

// Go's three implementations of WebSocket at one HTTP server, each an echo at a path of its own. What an upgrade
// failed at is written to standard output: the client is told nothing of it, or not by all of them.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/gorilla/websocket"
	xnet "golang.org/x/net/websocket"
	nhooyr "nhooyr.io/websocket"
)

func failed(r *http.Request, err error) {
	fmt.Printf("%s %s %v\n", r.RemoteAddr, r.URL.Path, err)
}

func withGorilla(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{EnableCompression: true}
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		failed(r, err)
		return
	}
	defer c.Close()
	for {
		kind, data, err := c.ReadMessage()
		if err != nil || c.WriteMessage(kind, data) != nil {
			return
		}
	}
}

func withNhooyr(w http.ResponseWriter, r *http.Request) {
	c, err := nhooyr.Accept(w, r, &nhooyr.AcceptOptions{CompressionMode: nhooyr.CompressionContextTakeover, CompressionThreshold: 16})
	if err != nil {
		failed(r, err)
		return
	}
	for {
		kind, data, err := c.Read(context.Background())
		if err != nil || c.Write(context.Background(), kind, data) != nil {
			return
		}
	}
}

func main() {
	http.HandleFunc("/gorilla", withGorilla)
	http.HandleFunc("/nhooyr", withNhooyr)
	http.Handle("/xnet", xnet.Handler(func(c *xnet.Conn) { io.Copy(c, c) }))
	fmt.Println(http.ListenAndServe(os.Args[1], nil))
}
