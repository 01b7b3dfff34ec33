// SPDX-License-Identifier: MIT
// An HTTP/3 peer on quic-go; its HTTP/3 frames are written here, the fields by the qpack package. Told what to do as
// h3/ngtcp2_peer.c is.
// needs: golang-go golang-github-lucas-clemente-quic-go-dev (Debian 12)
// build: GO111MODULE=off GOPATH=/usr/share/gocode go build -o quicgo_peer quicgo_peer.go
// usage: quicgo_peer server HOST PORT KEY CERT [NAME=VALUE…] | client [NAME=VALUE…]
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	quic "github.com/lucas-clemente/quic-go"
	"github.com/lucas-clemente/quic-go/quicvarint"
	"github.com/marten-seemann/qpack"
)

var (
	outMutex sync.Mutex
	isServer bool
	options  = map[string]int{"cid": 0, "data": 1 << 20, "retry": 0, "early": 0, "window": 1 << 20}
	tickets  = tls.NewLRUClientSessionCache(8)
	conns    = map[uint32]*conn{}
	connsMu  sync.Mutex
)

func tell(kind byte, number uint32, stream int64, payload []byte) {
	m := make([]byte, 17+len(payload))
	binary.BigEndian.PutUint32(m, uint32(13+len(payload)))
	m[4] = kind
	binary.BigEndian.PutUint32(m[5:], number)
	binary.BigEndian.PutUint64(m[9:], uint64(stream))
	copy(m[17:], payload)
	outMutex.Lock()
	os.Stdout.Write(m)
	outMutex.Unlock()
}

type stream struct {
	quic.Stream
	c      *conn
	writes chan func()
}

type conn struct {
	quic.Connection
	number  uint32
	mu      sync.Mutex
	streams map[int64]*stream
	control quic.SendStream
}

func frame(kind uint64, payload []byte) []byte {
	b := &bytes.Buffer{}
	quicvarint.Write(b, kind)
	quicvarint.Write(b, uint64(len(payload)))
	b.Write(payload)
	return b.Bytes()
}

func encode(payload []byte) []byte {
	b := &bytes.Buffer{}
	e := qpack.NewEncoder(b)
	words := strings.Split(string(payload[1:]), "\x00")
	for i := 0; i+1 < len(words); i += 2 {
		e.WriteField(qpack.HeaderField{Name: words[i], Value: words[i+1]})
	}
	return frame(1, b.Bytes())
}

func (c *conn) add(q quic.Stream) *stream {
	s := &stream{q, c, make(chan func(), 4096)}
	c.mu.Lock()
	c.streams[int64(q.StreamID())] = s
	c.mu.Unlock()
	go s.read()
	go func() {
		for f := range s.writes {
			f()
		}
	}()
	return s
}

func (s *stream) read() {
	id, r := int64(s.StreamID()), quicvarint.NewReader(s)
	for {
		kind, err := quicvarint.Read(r)
		if err != nil {
			s.over(err)
			return
		}
		length, err := quicvarint.Read(r)
		if err != nil {
			s.over(err)
			return
		}
		if kind == 0 {
			for length > 0 {
				part := make([]byte, 16384)
				if uint64(len(part)) > length {
					part = part[:length]
				}
				n, err := r.Read(part)
				if n > 0 {
					tell('D', s.c.number, id, part[:n])
					length -= uint64(n)
				}
				if err != nil && length > 0 {
					s.over(err)
					return
				}
			}
			continue
		}
		payload := make([]byte, length)
		if _, err = io.ReadFull(r, payload); err != nil {
			s.over(err)
			return
		}
		if kind == 1 {
			list, err := qpack.NewDecoder(nil).DecodeFull(payload)
			if err != nil {
				tell('L', s.c.number, -1, []byte(err.Error()))
				return
			}
			b := &bytes.Buffer{}
			b.WriteByte(0)
			for _, f := range list {
				b.WriteString(f.Name + "\x00" + f.Value + "\x00")
			}
			tell('H', s.c.number, id, b.Bytes())
		}
	}
}

func (s *stream) over(err error) {
	if err == io.EOF {
		tell('F', s.c.number, int64(s.StreamID()), nil)
		return
	}
	code := make([]byte, 8)
	if e, ok := err.(*quic.StreamError); ok {
		binary.BigEndian.PutUint64(code, uint64(e.ErrorCode))
	}
	tell('R', s.c.number, int64(s.StreamID()), code)
}

func (c *conn) start() {
	settings := &bytes.Buffer{}
	for _, v := range []uint64{0x06, 1 << 16, 0x01, 0, 0x07, 0} {
		quicvarint.Write(settings, v)
	}
	if isServer {
		quicvarint.Write(settings, 0x08)
		quicvarint.Write(settings, 1)
	}
	if u, err := c.OpenUniStream(); err == nil {
		c.control = u
		u.Write(append([]byte{0}, frame(4, settings.Bytes())...))
	}
	go func() {
		for {
			u, err := c.AcceptUniStream(context.Background())
			if err != nil {
				return
			}
			go io.Copy(io.Discard, u)
		}
	}()
	go func() {
		for {
			q, err := c.AcceptStream(context.Background())
			if err != nil {
				tell('X', c.number, -1, nil)
				return
			}
			c.add(q)
		}
	}()
}

func config() *quic.Config {
	c := &quic.Config{MaxIdleTimeout: 20 * time.Second, ConnectionIDLength: options["cid"], MaxIncomingStreams: 100,
		InitialStreamReceiveWindow: uint64(options["window"]), Versions: []quic.VersionNumber{quic.Version1}}
	if isServer {
		c.RequireAddressValidation = func(net.Addr) bool { return options["retry"] != 0 }
	}
	return c
}

func newConn(number uint32, q quic.Connection) *conn {
	c := &conn{Connection: q, number: number, streams: map[int64]*stream{}}
	connsMu.Lock()
	conns[number] = c
	connsMu.Unlock()
	return c
}

func listen(args []string) {
	pair, err := tls.LoadX509KeyPair(args[3], args[2])
	if err != nil {
		panic(err)
	}
	where := net.JoinHostPort(args[0], args[1])
	t := &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h3"}}
	l, err := quic.ListenAddrEarly(where, t, config())
	if err != nil {
		panic(err)
	}
	tell('B', 0, -1, nil)
	for number := uint32(1); ; number++ {
		q, err := l.Accept(context.Background())
		if err != nil {
			return
		}
		c := newConn(number, q)
		tell('N', number, -1, []byte(q.RemoteAddr().String()+">"+where))
		c.start()
	}
}

func connect(number uint32, words []string) {
	host := net.ParseIP(words[0])
	port, _ := strconv.Atoi(words[1])
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: host})
	if err != nil {
		return
	}
	remote := &net.UDPAddr{IP: host, Port: port}
	tell('N', number, -1, []byte(socket.LocalAddr().String()+">"+remote.String()))
	t := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h3"}, ClientSessionCache: tickets,
		ServerName: "localhost"}
	if path := os.Getenv("SSLKEYLOGFILE"); path != "" {
		t.KeyLogWriter, _ = os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	}
	ready := make(chan struct{})
	go func() {
		q, err := quic.DialEarly(socket, remote, fmt.Sprintf("localhost:%d", port), t, config())
		if err != nil {
			tell('L', number, -1, []byte(err.Error()))
			return
		}
		c := newConn(number, q)
		c.start()
		close(ready)
		<-q.HandshakeComplete().Done()
		tell('E', number, -1, []byte("TLS 00000001"))
	}()
	select {
	case <-ready:
	case <-time.After(3 * time.Second):
	}
}

func command(m []byte) {
	kind, number, id, payload := m[0], binary.BigEndian.Uint32(m[1:]), int64(binary.BigEndian.Uint64(m[5:])), m[13:]
	if kind == 'c' {
		connect(number, strings.Fields(string(payload)))
		return
	}
	connsMu.Lock()
	c := conns[number]
	connsMu.Unlock()
	if c == nil {
		return
	}
	switch kind {
	case 'q':
		q, err := c.OpenStreamSync(context.Background())
		if err != nil {
			tell('L', number, -1, []byte(err.Error()))
			return
		}
		s := c.add(q)
		tell('O', number, int64(q.StreamID()), nil)
		fin := payload[0]&1 != 0
		s.writes <- func() {
			s.Write(encode(payload))
			if fin {
				s.Close()
			}
		}
		return
	case 'x':
		c.CloseWithError(quic.ApplicationErrorCode(binary.BigEndian.Uint64(payload)), string(payload[8:]))
		return
	case 'u':
		if u, err := c.OpenUniStream(); err == nil {
			u.Write(payload)
			u.Close()
		}
		return
	case 's':
		options["data"] = int(binary.BigEndian.Uint64(payload))
		return
	}
	c.mu.Lock()
	s := c.streams[id]
	c.mu.Unlock()
	if s == nil {
		return
	}
	switch kind {
	case 'h':
		s.writes <- func() {
			s.Write(encode(payload))
			if payload[0]&1 != 0 {
				s.Close()
			}
		}
	case 'd':
		s.writes <- func() {
			for at := 0; at < len(payload); at += options["data"] {
				end := at + options["data"]
				if end > len(payload) {
					end = len(payload)
				}
				s.Write(frame(0, payload[at:end]))
			}
		}
	case 'f':
		s.writes <- func() { s.Close() }
	case 'r':
		code := quic.StreamErrorCode(binary.BigEndian.Uint64(payload))
		s.CancelWrite(code)
		s.CancelRead(code)
	}
}

func main() {
	isServer = os.Args[1] == "server"
	first := 2
	if isServer {
		first = 6
		options["cid"] = 4
	}
	for _, text := range os.Args[first:] {
		if name, value, ok := strings.Cut(text, "="); ok {
			options[name], _ = strconv.Atoi(value)
		}
	}
	if isServer {
		go listen(os.Args[2:])
	} else {
		tell('B', 0, -1, nil)
	}
	head := make([]byte, 4)
	for {
		if _, err := io.ReadFull(os.Stdin, head); err != nil {
			os.Exit(0)
		}
		m := make([]byte, binary.BigEndian.Uint32(head))
		if _, err := io.ReadFull(os.Stdin, m); err != nil {
			os.Exit(0)
		}
		command(m)
	}
}
