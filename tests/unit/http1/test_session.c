/* SPDX-License-Identifier: MIT
 *
 * Conversations, each run whole, by the byte, cut in two at every place, and with a room that
 * forgets an idle conversation between two messages.
 */
#include "session.h"

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define UP "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define V13 "Sec-WebSocket-Version: 13\r\n"
#define ASK "GET /chat HTTP/1.1\r\nHost: h\r\n" UP KEY V13 "\r\n"
#define ASK_(more) "GET /chat HTTP/1.1\r\nHost: h\r\n" UP KEY V13 more "\r\n"
#define ASK_BODY ASK_("Content-Length: 5\r\n")
#define ASK_CHUNKS ASK_("Transfer-Encoding: chunked\r\n")
#define YES "HTTP/1.1 101 Switching Protocols\r\n" UP ACCEPT "\r\n"
#define YES_(more) "HTTP/1.1 101 Switching Protocols\r\n" UP ACCEPT more "\r\n"
#define PLAIN "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define GOOD "{GET /chat 101 yes ok} "
#define PMD "Sec-WebSocket-Extensions: permessage-deflate"
#define DEFLATE_OFFER PMD "; client_max_window_bits\r\n"

struct row {
    const char *name;
    const char *log;
    struct step steps[12];
    bool segments; /* where segments begin matters: run whole only */
};

static const struct row rows[] = {
    /* RFC 6455 section 1.3, as far as it goes by tables; its values are looked at below */
    {"the plain case", GOOD "upgraded", {Q(ASK), A(YES)}, false},
    {"frames with the 101",
     GOOD "upgraded >client <..Hello",
     {Q(ASK), A(YES "\x81\x05Hello"), Q("client")},
     false},
    {"client bytes before the 101",
     GOOD "!handshake.early-client-data upgraded >early <x",
     {Q(ASK "early"), A(YES "x")},
     false},
    {"client bytes before the 101, in a segment of their own",
     GOOD "!handshake.early-client-data upgraded >early, later",
     {Q(ASK), Q("early"), Q(", later"), A(YES)},
     false},
    {"the answer first", GOOD "upgraded <x", {A(YES "x"), Q(ASK)}, false},
    {"the answer first, then client bytes",
     GOOD "!handshake.early-client-data upgraded >ab <x",
     {A(YES "x"), Q(ASK "a"), Q("b")},
     true},
    {"a part of the answer first",
     GOOD "upgraded",
     {A("HTTP/1.1 101 Swi"), Q(ASK), A("tching Protocols\r\n" UP ACCEPT "\r\n")},
     false},
    {"empty lines before", GOOD "upgraded", {Q("\r\n\r\n\n" ASK), A("\r\n\r\n" YES)}, false},
    {"bare line feeds",
     GOOD "!handshake.line-end !handshake.line-end upgraded >x <y",
     {Q("GET /chat HTTP/1.1\nHost: h\nUpgrade: websocket\nConnection: "
        "upgrade\nSec-WebSocket-Version: 13\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n"),
      A("HTTP/1.1 101 ok\nUpgrade: websocket\nConnection: upgrade\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n\ny"),
      Q("x")},
     false},
    {"a version whose end looks like a line end, kept: none that can be read again",
     "{? ? 101 yes -} !handshake.picked-up upgraded",
     {Q("GET /chat HTTP/1.\r\r\nHost: h\n" UP KEY V13 "\r\n"), A(YES)},
     false},
    {"folded lines",
     GOOD "upgraded",
     {Q("GET /chat HTTP/1.1\r\nHost: h\r\nConnection:\r\n Upgrade\r\nUpgrade:\r\n "
        "websocket\r\nSec-WebSocket-Version:\r\n\t13\r\n"
        "Sec-WebSocket-Key:\r\n dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
      A("HTTP/1.1 101 ok\r\nConnection:\r\n\tUpgrade\r\nUpgrade:\r\n "
        "websocket\r\nSec-WebSocket-Accept:\r\n"
        " s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")},
     false},
    {"1xx before the 101",
     GOOD "upgraded <x",
     {Q(ASK), A("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                "HTTP/1.1 102 Processing\r\n\r\n" YES "x")},
     false},

    /* The 101 before the body of the request: no protocol changes in the middle of it */
    {"a body behind the answer",
     GOOD "upgraded >x <y",
     {Q(ASK_BODY), A(YES "y"), Q("ab"), Q("cdex")},
     false},
    {"of it the end",
     GOOD "upgraded >x <yz",
     {Q(ASK_BODY "abc"), A(YES "y"), Q("de"), A("z"), Q("x")},
     false},
    {"in chunks",
     GOOD "upgraded >x <y",
     {Q(ASK_CHUNKS), A(YES), A("y"), Q("5\r\nabc"), Q("de\r\n0\r\n\r\nx")},
     false},
    {"instead of which frames come",
     GOOD "upgraded >..keys <y",
     {Q(ASK_BODY), A(YES "y"), Q("\x82\x81keys")},
     false},
    {"in chunks, instead of which frames come",
     GOOD "upgraded >..keys <y",
     {Q(ASK_CHUNKS), A(YES "y"), Q("\x89\x81keys")},
     false},
    {"that looks like the frame of a server",
     GOOD "upgraded >x <y",
     {Q(ASK_BODY), A(YES "y"), Q("\x81\3abcx")},
     false},
    {"that began as a body",
     GOOD "upgraded >x <y",
     {Q(ASK_BODY "a"), A(YES "y"),
      Q("\x82\x81"
        "cdx")},
     false},
    {"that never comes", GOOD "upgraded <y", {Q(ASK_BODY), A(YES "y"), FIN_Q}, false},
    {"of which a part is missing",
     GOOD "upgraded >x <y",
     {Q(ASK_BODY "a"), A(YES "y"), LOST_Q(4), Q("x")},
     false},
    {"of which nobody knows the end",
     GOOD "upgraded torn >x <y",
     {Q(ASK_CHUNKS), A(YES "y"), LOST_Q(30), Q("x")},
     true},
    {"while bytes of the server are missing",
     GOOD "upgraded torn >x <yz",
     {Q(ASK_BODY), A(YES "y"), LOST_A(30), A("z"), Q("x")},
     true},
    {"in what are no chunks",
     GOOD "upgraded torn >yx <y",
     {Q(ASK_CHUNKS), A(YES "y"), Q("xyx")},
     true},

    /* judged */
    {"a wrong accept value",
     "{GET /chat 101 yes wrong} !handshake.accept-wrong upgraded",
     {Q(ASK), A("HTTP/1.1 101 x\r\n" UP "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                "\r\n")},
     false},
    {"no accept value",
     "{GET /chat 101 yes wrong} !handshake.accept-missing upgraded",
     {Q(ASK), A("HTTP/1.1 101 x\r\n" UP "\r\n")},
     false},
    {"no key",
     "{GET /chat 101 yes -} !handshake.key-missing upgraded",
     {Q("GET /chat HTTP/1.1\r\nHost: h\r\n" UP V13 "\r\n"), A(YES)},
     false},
    {"neither",
     "{GET /chat 101 yes -} !handshake.key-missing !handshake.accept-missing upgraded",
     {Q("GET /chat HTTP/1.1\r\nHost: h\r\n" UP V13 "\r\n"), A("HTTP/1.1 101 x\r\n" UP "\r\n")},
     false},
    {"an answer without Upgrade",
     "{GET /chat 101 yes ok} !handshake.upgrade !handshake.connection upgraded",
     {Q(ASK), A("HTTP/1.1 101 x\r\n" ACCEPT "\r\n")},
     false},
    {"an answer with another Upgrade",
     "{GET /chat 101 no -} lost",
     {Q(ASK), A("HTTP/1.1 101 x\r\nUpgrade: irc\r\n\r\n")},
     false},
    {"and with a wrong accept value",
     "{GET /chat 101 no wrong} lost",
     {Q(ASK), A("HTTP/1.1 101 x\r\nUpgrade: irc\r\nSec-WebSocket-Accept: x\r\n\r\n")},
     false},
    {"HTTP/2 was offered, too",
     "{GET /chat 101 no -} tunnel <x",
     {Q(ASK), A("HTTP/1.1 101 x\r\nUpgrade: h2c\r\n\r\nx")},
     false},
    {"TLS",
     "tunnel",
     {Q("OPTIONS * HTTP/1.1\r\nUpgrade: TLS/1.2\r\n\r\n"),
      A("HTTP/1.1 101 x\r\nUpgrade: TLS/1.2, HTTP/1.1\r\n\r\n")},
     false},
    {"another Upgrade from who knows what the key demands",
     "{GET /chat 101 yes ok} !handshake.upgrade !handshake.connection upgraded <x",
     {Q(ASK), A("HTTP/1.1 101 x\r\nUpgrade: websockets\r\n" ACCEPT "\r\nx")},
     false},
    {"HEAD",
     "{HEAD /chat 101 yes ok} !handshake.method upgraded <x",
     {Q("HEAD /chat HTTP/1.1\r\nHost: h\r\n" UP KEY V13 "\r\n"), A(YES "x")},
     false},
    {"HEAD, refused without a body",
     "{HEAD /chat 400 no -} !handshake.method " GOOD "upgraded",
     {Q("HEAD /chat HTTP/1.1\r\nHost: h\r\n" UP KEY V13 "\r\n"),
      A("HTTP/1.1 400 x\r\nContent-Length: 9\r\n\r\n"), Q(ASK), A(YES)},
     false},
    {"version 8",
     "{GET /chat 101 yes ok} !handshake.version upgraded",
     {Q("GET /chat HTTP/1.1\r\nHost: h\r\n" UP KEY "Sec-WebSocket-Version: 8\r\n\r\n"), A(YES)},
     false},
    {"no version",
     "{GET /chat 101 yes ok} !handshake.version upgraded",
     {Q("GET /chat HTTP/1.1\r\nHost: h\r\n" UP KEY "\r\n"), A(YES)},
     false},
    {"hixie-76",
     "{GET /chat 101 no -} !handshake.hixie-76 lost",
     {Q("GET /chat HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nSec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n"
        "\r\n^n:ds[4U"),
      A("HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\n"
        "Connection: Upgrade\r\n\r\n8jKS'y:G*Co,Wxa-")},
     false},
    {"hixie-76, of which the answer alone was captured",
     "{? ? 101 no -} !handshake.hixie-76 lost",
     {LOST_Q(99),
      A("HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Location: ws://h/chat\r\n\r\n8jKS'y:G*Co,Wxa-")},
     false},
    {"a subprotocol",
     "{GET /chat 101 yes ok offers chat,superchat speaks chat} upgraded",
     {Q(ASK_("Sec-WebSocket-Protocol: chat, superchat\r\n")),
      A(YES_("Sec-WebSocket-Protocol: chat\r\n"))},
     false},
    {"offers in two lines",
     "{GET /chat 101 yes ok offers a,b,c speaks c} upgraded",
     {Q(ASK_("Sec-WebSocket-Protocol: a,,b\r\nSec-WebSocket-Protocol: c ,\r\n")),
      A(YES_("Sec-WebSocket-Protocol: c\r\n"))},
     false},
    {"a subprotocol nobody offered",
     "{GET /chat 101 yes ok offers a speaks A} !handshake.subprotocol-not-offered upgraded",
     {Q(ASK_("Sec-WebSocket-Protocol: a\r\n")), A(YES_("Sec-WebSocket-Protocol: A\r\n"))},
     false},
    {"deflate",
     "{GET /chat 101 yes ok extends permessage-deflate; server_max_window_bits=10 deflate 10/15} "
     "upgraded",
     {Q(ASK_(DEFLATE_OFFER)), A(YES_(PMD "; server_max_window_bits=10\r\n"))},
     false},
    {"deflate, the answer in two lines",
     "{GET /chat 101 yes ok extends x, permessage-deflate; client_no_context_takeover deflate "
     "15/15n} !handshake.header-repeated upgraded",
     {Q(ASK_("Sec-WebSocket-Extensions: x\r\n" DEFLATE_OFFER)),
      A(YES_("Sec-WebSocket-Extensions: x\r\n" PMD "; client_no_context_takeover\r\n"))},
     false},
    {"deflate that was not offered",
     "{GET /chat 101 yes ok extends permessage-deflate deflate 15/15} "
     "!handshake.extension-not-offered upgraded",
     {Q(ASK), A(YES_(PMD "\r\n"))},
     false},
    {"deflate on bad terms",
     "{GET /chat 101 yes ok extends permessage-deflate; server_max_window_bits=7 deflate 15/15} "
     "!handshake.extension-bad upgraded",
     {Q(ASK_(DEFLATE_OFFER)), A(YES_(PMD "; server_max_window_bits=7\r\n"))},
     false},
    {"a malformed answer",
     "{GET /chat 101 yes ok extends permessage-deflate foo} !handshake.extension-bad upgraded",
     {Q(ASK_(DEFLATE_OFFER)), A(YES_(PMD " foo\r\n"))},
     false},

    /* before the upgrade */
    {"keep-alive, content-length",
     GOOD "upgraded",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/"), Q(ASK), A(YES)},
     false},
    {"content-length 0",
     GOOD "upgraded",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Q(ASK), A(YES)},
     false},
    {"a request body",
     GOOD "upgraded",
     {Q("POST / HTTP/1.1\r\nContent-Length: 16\r\n\r\nGET / HTTP/1.1\r\n"),
      A("HTTP/1.1 204 No Content\r\n\r\n"), Q(ASK), A(YES)},
     false},
    {"a chunked request",
     GOOD "upgraded",
     {Q("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
      A("HTTP/1.1 204 No Content\r\n\r\n"), Q(ASK), A(YES)},
     false},
    {"a body that is not sent, for the answer came first",
     GOOD "upgraded",
     {Q("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n"),
      A("HTTP/1.1 417 x\r\nContent-Length: 0\r\n\r\n"), Q(ASK), A(YES)},
     false},
    {"and then is asked for no path",
     GOOD "upgraded",
     {Q("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n"),
      A("HTTP/1.1 417 x\r\nContent-Length: 0\r\n\r\n"), Q("OPTIONS * HTTP/1.1\r\n\r\n"),
      A("HTTP/1.1 204 x\r\n\r\n"), Q(ASK), A(YES)},
     true},
    {"a body of which a part is lost behind bytes that may begin a request",
     GOOD "upgraded",
     {Q("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n"),
      A("HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n"), Q("GET"), LOST_Q(7), Q(ASK), A(YES)},
     false},
    {"a body that may begin a request to its end",
     GOOD "upgraded",
     {Q("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n"),
      A("HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n"), Q("GET"), Q(ASK), A(YES)},
     true},
    {"chunks that are not sent",
     GOOD "upgraded",
     {Q("POST / HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"),
      A("HTTP/1.1 417 x\r\nContent-Length: 0\r\n\r\n"), Q(ASK), A(YES)},
     false},
    {"a body that is sent all the same",
     GOOD "upgraded",
     {Q("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n"),
      A("HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n"), Q("0123456789" ASK), A(YES)},
     false},
    {"a body that goes on after the answer, and looks like a request",
     GOOD "upgraded",
     {Q("POST / HTTP/1.1\r\nContent-Length: 17\r\n\r\n0"),
      A("HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n"), Q("GET / HTTP/1.1\r\n"), Q(ASK), A(YES)},
     false},
    {"chunks, extensions, trailers",
     GOOD "upgraded",
     {Q(PLAIN),
      A("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\nA;name=value;x=\"5\"\r\n0123456789\r\n00b \r\n0123456789a\r\n"
        "000;last\r\nExpires: never\r\nX: y\r\n\r\n"),
      Q(ASK), A(YES)},
     false},
    {"chunks and bare line feeds",
     GOOD "upgraded",
     {Q(PLAIN), A("HTTP/1.1 200 OK\nTransfer-Encoding: gzip, Chunked\n\n5\nhello\n0\n\n"), Q(ASK),
      A(YES)},
     false},
    {"chunked wins over content-length",
     GOOD "upgraded",
     {Q(PLAIN),
      A("HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1\r\nx\r\n0\r\n\r\n"),
      Q(ASK), A(YES)},
     false},
    {"204 and 304 have no body",
     GOOD "upgraded",
     {Q(PLAIN PLAIN),
      A("HTTP/1.1 204 x\r\nContent-Length: 9\r\n\r\n"
        "HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n"),
      Q(ASK), A(YES)},
     false},
    {"HEAD has no body",
     GOOD "upgraded",
     {Q("HEAD / HTTP/1.1\r\n\r\n"), A("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), Q(ASK),
      A(YES)},
     false},
    {"HEAD, then GET",
     GOOD "upgraded",
     {Q("HEAD / HTTP/1.1\r\n\r\n" PLAIN),
      A("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
      Q(ASK), A(YES)},
     false},
    {"pipelined with the upgrade",
     GOOD "upgraded <x",
     {Q(PLAIN PLAIN ASK), A("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
                            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb" YES "x")},
     false},
    {"1xx before the last",
     "idle",
     {Q(PLAIN), A("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")},
     false},
    {"answers before their requests",
     GOOD "upgraded",
     {A("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"), Q(PLAIN), A(YES), Q(ASK)},
     false},
    {"plain HTTP only",
     "idle",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")},
     false},
    {"a body up to the end",
     "running",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\n\r\n"), A("any bytes, HTTP/1.1 101 among them")},
     false},
    {"not quite a body up to the end",
     GOOD "upgraded",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\n\r\n"), A("a page"), Q(ASK), A(YES)},
     true},

    /* refused */
    {"401, then a good one",
     "{GET /chat 401 no -} !handshake.refusal-body " GOOD "upgraded <x",
     {Q(ASK), A("HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nstop"), Q(ASK), A(YES "x")},
     false},
    {"302 in chunks, then a good one",
     "{GET /chat 302 no -} !handshake.refusal-body " GOOD "upgraded",
     {Q(ASK), A("HTTP/1.1 302 Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
      Q(ASK), A(YES)},
     false},
    {"503 without a length",
     "{GET /chat 503 no -} running",
     {Q(ASK), A("HTTP/1.1 503 No\r\n\r\nsorry")},
     false},
    {"503 without a length, to its end",
     "{GET /chat 503 no -} !handshake.refusal-body running",
     {Q(ASK), A("HTTP/1.1 503 No\r\n\r\nsorry"), FIN_A},
     false},
    {"426 and the version",
     "{GET /chat 426 no -} !handshake.version {GET /chat 101 yes ok} "
     "upgraded",
     {Q("GET /chat HTTP/1.1\r\nHost: h\r\n" UP KEY "Sec-WebSocket-Version: 99\r\n\r\n"),
      A("HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n"),
      Q(ASK), A(YES)},
     false},
    {"200 is a refusal",
     "{GET /chat 200 no -} !handshake.refusal-body idle",
     {Q(ASK), A("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")},
     false},
    {"refused, the client had more to say",
     "{GET /chat 400 no -} " GOOD "upgraded",
     {Q(ASK ASK), A("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n"), A(YES)},
     false},

    /* other upgrades */
    {"h2c",
     "tunnel",
     {Q("GET / HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"),
      A("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")},
     false},
    {"h2c refused, then WebSocket",
     GOOD "upgraded",
     {Q("GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"),
      A("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Q(ASK), A(YES)},
     false},
    {"h2c, its client's next bytes captured before the answer",
     "tunnel >PRI *",
     {Q("GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"), Q("PRI *"),
      A("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")},
     false},
    {"h2c refused, the next request captured before that",
     GOOD "upgraded",
     {Q("GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"), Q(ASK),
      A("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), A(YES)},
     false},
    {"h2c asked for, the answer is lost, then WebSocket",
     GOOD "upgraded",
     {Q("GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"), LOST_A(90), Q(ASK), A(YES)},
     true},
    {"… behind another whose answer is lost, too",
     GOOD "upgraded",
     {Q(PLAIN "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"), LOST_A(90), Q(ASK), A(YES)},
     true},
    {"… and the server says no more",
     "unanswered",
     {Q("GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"), Q(ASK), FIN_A, LOST_A(1)},
     true},
    {"CONNECT",
     "tunnel >hello <world",
     {Q("CONNECT h:80 HTTP/1.1\r\n\r\n"), A("HTTP/1.1 200 Connection established\r\n\r\n"),
      Q("hello"), A("world")},
     false},
    {"CONNECT and no waiting",
     "tunnel >hello <world",
     {Q("CONNECT h:80 HTTP/1.1\r\n\r\nhello"), A("HTTP/1.1 200 Fine\r\n\r\nworld")},
     false},
    {"CONNECT with a length that means nothing",
     "tunnel <xy",
     {Q("CONNECT h:80 HTTP/1.1\r\n\r\n"), A("HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nxy")},
     false},
    {"CONNECT refused, then granted",
     "tunnel >x",
     {Q("CONNECT h:80 HTTP/1.1\r\n\r\n"), A("HTTP/1.1 407 Who\r\nContent-Length: 3\r\n\r\nwho"),
      Q("CONNECT h:80 HTTP/1.1\r\nProxy-Authorization: x\r\n\r\n"), A("HTTP/1.1 200 Fine\r\n\r\n"),
      Q("x")},
     false},

    /* what is no HTTP */
    {"no version", "lost", {Q("GET /\r\n\r\n")}, false},
    {"binary behind a body",
     "lost",
     {Q("POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx\1\2\3\4\n\n")},
     false},
    {"a response from the client", "lost", {Q("HTTP/1.1 200 OK\r\n\r\n")}, false},
    {"a request from the server", "lost", {Q(PLAIN), A(PLAIN)}, false},
    {"content-length of words",
     "lost",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n")},
     false},
    {"content-length, signed",
     "lost",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n")},
     false},
    {"content-length, empty",
     "lost",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n")},
     false},
    {"content-length beyond 64 bits",
     "lost",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n")},
     false},
    {"the largest content-length",
     "running",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\nx" YES)},
     false},
    {"the same content-length twice",
     GOOD "upgraded",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), Q(ASK),
      A(YES)},
     false},
    {"joined to one",
     GOOD "upgraded",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nContent-Length: 5, 5 ,5\r\n\r\nhello"), Q(ASK), A(YES)},
     false},
    {"two content-lengths in one",
     "lost",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello")},
     false},
    {"a chunk size of words",
     "lost",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")},
     false},
    {"a chunk size beyond 64 bits",
     "lost",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "fffffffffffffffff\r\n")},
     false},
    {"a chunk without its end",
     "lost",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n")},
     false},

    /* bytes that are missing */
    {"no answer", "{GET /chat -1 no -} !handshake.no-response lost", {Q(ASK), OVER}, false},
    {"no answer, and what follows is no HTTP",
     "{POST /x -1 no -} !handshake.method !handshake.no-response lost",
     {Q("POST /x HTTP/1.1\r\nHost: h\r\n" UP KEY V13
        "Transfer-Encoding: chunked\r\n\r\nnot hexadecimal"),
      OVER},
     false},
    {"inside a body",
     GOOD "upgraded <x",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789"), LOST_A(80),
      A("0123456789"), Q(ASK), A(YES "x")},
     false},
    {"the rest of a body",
     GOOD "upgraded",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234"), LOST_A(5), Q(ASK), A(YES)},
     false},
    {"inside a chunk",
     GOOD "upgraded",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n0123456789"),
      LOST_A(80), A("0123456789\r\n0\r\n\r\n"), Q(ASK), A(YES)},
     false},
    {"inside a request body",
     GOOD "upgraded",
     {Q("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n01"), LOST_Q(8), A("HTTP/1.1 204 x\r\n\r\n"),
      Q(ASK), A(YES)},
     false},
    {"beyond a body: the next head is found",
     GOOD "upgraded",
     {Q(PLAIN), A("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01"), LOST_A(50), A("more of it"),
      Q(ASK), A(YES)},
     true},
    {"the request",
     "{? ? 101 yes -} !handshake.picked-up upgraded <x",
     {LOST_Q(200), A(YES "x")},
     true},
    {"a part of the request",
     "{? ? 101 yes -} !handshake.picked-up upgraded",
     {Q("GET /chat HTTP/1.1\r\nUpg"), LOST_Q(100), Q("ersion: 13\r\n\r\n"), A(YES)},
     true},
    {"a part of the answer",
     "unanswered",
     {Q(ASK), A("HTTP/1.1 101 Switch"), LOST_A(50), A("\r\n\r\n")},
     true},
    {"the answers to others before it",
     GOOD "upgraded <x",
     {Q(PLAIN), Q(PLAIN), LOST_A(150), Q(ASK), A(YES "x")},
     true},
    {"the answer", "unanswered", {Q(ASK), LOST_A(150), A("\x81\x05Hello")}, true},
    {"both", "unanswered", {LOST_Q(100), LOST_A(100), Q("xx"), A("xx")}, true},
    {"of what the client sent before it had the answer",
     GOOD "upgraded torn <x",
     {Q(ASK), LOST_Q(50), A(YES "x")},
     true},
    {"a plain request: the upgrade is seen",
     GOOD "upgraded",
     {Q("GET / HT"), LOST_Q(30), A("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Q(ASK), A(YES)},
     true},
    {"requests end, the answer came first",
     "{? ? 101 yes -} !handshake.picked-up upgraded",
     {A(YES), FIN_Q},
     false},
};

static void run(struct talk *t, const struct row *r, size_t piece, size_t cut)
{
    size_t at = 0;
    for (const struct step *s = r->steps; s < r->steps + 12 && s->kind; s++) {
        enum wst_dir d = s->kind == STEP_REQUEST ? WST_C2S : WST_S2C;
        if (s->kind > STEP_ANSWER) talk_step(t, s);
        for (size_t i = 0; i < s->bytes.n;) {
            size_t n = s->bytes.n - i;
            if (n > piece) n = piece;
            if (at + i < cut && at + i + n > cut) n = cut - at - i;
            talk_push(t, d, (struct wst_slice){s->bytes.p + i, n});
            i += n;
        }
        at += s->bytes.n;
    }
    talk_end(t);
}

static size_t row_size(const struct row *r)
{
    size_t n = 0;
    for (const struct step *s = r->steps; s < r->steps + 12 && s->kind; s++) n += s->bytes.n;
    return n;
}

static unsigned check(const struct row *r, size_t piece, size_t cut, bool forgetful)
{
    static struct talk t;
    talk_init(&t);
    t.forgetful = forgetful;
    t.options.limits.max_early = 1 << 16; /* byte by byte takes more */
    run(&t, r, piece, cut);
    bool same = strcmp(t.log, r->log) == 0;
    if (!same)
        print_error("%s (by %zu, cut at %zu%s):\n  %s, not\n  %s\n", r->name, piece, cut,
                    forgetful ? ", forgetful" : "", t.log, r->log);
    talk_free(&t);
    return !same;
}

static void conversations(void **state)
{
    (void)state;
    unsigned failed = 0;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        const struct row *r = &rows[i];
        failed += check(r, SIZE_MAX, SIZE_MAX, false);
        failed += check(r, SIZE_MAX, SIZE_MAX, true);
        if (r->segments) continue;
        failed += check(r, 1, SIZE_MAX, false);
        failed += check(r, 1, SIZE_MAX, true);
        failed += check(r, 7, SIZE_MAX, false);
        for (size_t cut = 1; cut < row_size(r); cut++) failed += check(r, SIZE_MAX, cut, false);
    }
    assert_int_equal(failed, 0);
}

/* -- values -- */

static struct talk *begin(void)
{
    static struct talk t;
    talk_init(&t);
    return &t;
}
static void push(struct talk *t, enum wst_dir d, const char *text)
{
    talk_push(t, d, wst_slice_text(text));
}

/* RFC 6455 section 1.3. The event's slices live as long as the callback, so it is looked at there.
 */
static void seen_1_3(void *user, void *conversation, struct wst_event_handshake *e,
                     const struct wst_arrival *a)
{
    (void)conversation;
    struct talk *t = user;
    t->log_n++;
    assert_int_equal(e->carrier, WST_CARRIER_HTTP1);
    assert_true(wst_slice_is(e->client_key, "dGhlIHNhbXBsZSBub25jZQ=="));
    assert_true(wst_slice_is(e->accept_expected, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_true(wst_slice_is(e->server_accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_true(wst_slice_is(e->host, "server.example.com"));
    assert_true(wst_slice_is(e->origin, "http://example.com"));
    assert_true(wst_slice_is(e->user_agent, "x/1"));
    assert_true(wst_slice_is(e->reason, "Switching Protocols"));
    assert_int_equal(e->version, 13);
    assert_int_equal(e->status, 101);
    assert_int_equal(e->accept_ok, 1);
    assert_int_equal(e->request_pkt, 2); /* the packet that completed the request head */
    assert_int_equal(e->rtt_ns, 2000);
    assert_int_equal(a->when.pkt, 4);
    assert_true(e->accepted);
    assert_true(e->headers);
    assert_int_equal(e->request_headers_n, 8);
    assert_int_equal(e->response_headers_n, 4);
    assert_true(wst_slice_is(e->request_headers[0].name, "Host"));
    assert_true(wst_slice_is(e->response_headers[3].value, "chat"));
}

static void rfc6455_1_3(void **state)
{
    struct talk *t = begin();
    (void)state;
    t->env.handshake = seen_1_3;
    t->options.headers = true;
    push(t, WST_C2S,
         "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n"
         "Connection: Upgrade\r\nUser-Agent: x/1\r\n");
    push(t, WST_C2S,
         KEY "Origin: http://example.com\r\n"
             "Sec-WebSocket-Protocol: chat, superchat\r\n" V13 "\r\n");
    push(t, WST_S2C, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n");
    push(t, WST_S2C, "Connection: Upgrade\r\n" ACCEPT "Sec-WebSocket-Protocol: chat\r\n\r\n");
    assert_int_equal(t->log_n, 1);
    assert_int_equal(t->http.state, WST_HTTP_UPGRADED);
    talk_free(t);
}

/* Captured before its request, as from a tap whose clock is early: how long it took nobody knows.
 */
static void answer_first(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct talk *t = begin();
        push(t, first ? WST_S2C : WST_C2S, first ? YES : ASK);
        push(t, first ? WST_C2S : WST_S2C, first ? ASK : YES);
        assert_int_equal(t->http.state, WST_HTTP_UPGRADED);
        assert_int_equal(t->last.rtt_ns, first ? -1 : 1000);
        talk_free(t);
    }
}

/* -- limits -- */

static void too_long(struct talk *t, size_t head, size_t piece, enum wst_http_state want)
{
    static char text[8192];
    int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nX: ");
    memset(text + n, 'x', head - (size_t)n - 4);
    memcpy(text + head - 4, "\r\n\r\n", 4);
    for (size_t i = 0; i < head && t->http.state == WST_HTTP_RUNNING; i += piece)
        talk_push(t, WST_C2S, wst_slice_of(text + i, head - i < piece ? head - i : piece));
    assert_int_equal(t->http.state, want);
    talk_free(t);
}

static void heads_too_long(void **state)
{
    static const size_t pieces[] = {8192, 1000, 1};
    (void)state;
    for (size_t i = 0; i < ARRAY(pieces); i++) {
        too_long(begin(), 4096, pieces[i], WST_HTTP_RUNNING);
        too_long(begin(), 4097, pieces[i], WST_HTTP_LOST);
        too_long(begin(), 8000, pieces[i], WST_HTTP_LOST);
    }
}

/* Client bytes may wait for the answer up to a cap: each segment with the 16 bytes that it takes to
 * remember its packet. */
static void early_bytes(void **state)
{
    enum { CAP = 2048, SEGMENTS = 18, MOST = CAP - SEGMENTS * 16 };
    static char bytes[MOST + 1];
    (void)state;
    memset(bytes, 'e', sizeof bytes);
    for (size_t n = MOST - 1; n <= MOST + 1; n++) {
        struct talk *t = begin();
        push(t, WST_C2S, ASK);
        for (size_t i = 0; i < n; i += 100)
            talk_push(t, WST_C2S, wst_slice_of(bytes + i, n - i < 100 ? n - i : 100));
        assert_int_equal(t->http.state, WST_HTTP_RUNNING);
        assert_int_equal(wst_http_answer_lost(&t->http),
                         n > MOST); /* it is looked for among them */
        if (n <= MOST) push(t, WST_S2C, YES);
        if (n <= MOST) assert_int_equal(t->rest_n[WST_C2S], n);
        talk_free(t);
    }
}

/* A server nobody asked speaks on when its bytes have waited too long. */
static void unasked_server(void **state)
{
    struct talk *t = begin();
    static char body[4000];
    (void)state;
    memset(body, 'b', sizeof body);
    push(t, WST_S2C, "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n");
    for (size_t i = 0; i < 4000; i += 500) talk_push(t, WST_S2C, wst_slice_of(body, 500));
    push(t, WST_S2C, YES "rest");
    assert_int_equal(t->http.state, WST_HTTP_UPGRADED);
    assert_int_equal(t->rest_n[WST_S2C], 4);
    talk_free(t);
}

/* More requests outstanding than have room without an allocation, answered in order. */
static void long_pipeline(void **state)
{
    (void)state;
    for (int n = 1; n < 100; n++) {
        struct talk *t = begin();
        for (int i = 0; i < n; i++)
            push(t, WST_C2S, i % 3 == 1 ? "HEAD / HTTP/1.1\r\n\r\n" : PLAIN);
        if (n <= 79) push(t, WST_C2S, ASK);
        assert_int_equal(t->http.state, n <= 80 ? WST_HTTP_RUNNING : WST_HTTP_LOST);
        for (int i = 0; i < n && n <= 79; i++)
            push(t, WST_S2C,
                 i % 3 == 1 ? "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
                            : "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nHTT");
        if (n <= 79) push(t, WST_S2C, YES);
        if (n <= 79) assert_int_equal(t->http.state, WST_HTTP_UPGRADED);
        talk_free(t);
    }
}

/* `n` times the same name, and another, in the header of extensions. */
static char *with_extensions(const char *head, char name, size_t n)
{
    static const char header[] = "Sec-WebSocket-Extensions: ";
    size_t at = strlen(head);
    char *text = calloc(1, at + sizeof header + 2 * n + 8);
    assert_non_null(text);
    memcpy(text, head, at);
    memcpy(text + at, header, sizeof header - 1);
    at += sizeof header - 1;
    for (size_t i = 0; i < n; i++, at += 2) memcpy(text + at, (char[]){name, ','}, 2);
    memcpy(text + at, "x\r\n\r\n", 5);
    return text;
}

static size_t not_offered_n;
static void not_offered_count(void *user, void *conversation, enum wst_problem problem,
                              enum wst_dir dir, const char *detail, const struct wst_arrival *a)
{
    (void)user, (void)conversation, (void)dir, (void)detail, (void)a;
    not_offered_n += problem == WST_PROBLEM_HANDSHAKE_EXTENSION_NOT_OFFERED;
}

static void push_pieces(struct talk *t, enum wst_dir d, char *text)
{
    struct wst_slice s = wst_slice_text(text);
    for (; s.n; s = wst_slice_skip(s, wst_slice_head(s, 4096).n))
        talk_push(t, d, wst_slice_head(s, 4096));
    free(text);
}

static size_t not_offered(size_t n)
{
    struct talk *t = begin();
    t->options.limits.max_head = 256 << 10;
    t->env.problem = not_offered_count;
    not_offered_n = 0;
    push_pieces(t, WST_C2S,
                with_extensions("GET /chat HTTP/1.1\r\nHost: h\r\n" UP KEY V13, 'a', n));
    push_pieces(t, WST_S2C, with_extensions("HTTP/1.1 101 x\r\n" UP ACCEPT, 'b', n));
    assert_int_equal(t->http.state, WST_HTTP_UPGRADED);
    talk_free(t);
    return not_offered_n;
}

/* Each name of the answer is looked for among those offered, but not for minutes: what was not
 * looked at is not blamed. */
static void long_lists(void **state)
{
    (void)state;
    assert_int_equal(not_offered(100), 100);
    assert_int_equal(not_offered(100000), 0);
}

static enum wst_problem said_of;
static enum wst_dir said_by;
static char said[240];
static void keep_said(void *user, void *conversation, enum wst_problem problem, enum wst_dir dir,
                      const char *detail, const struct wst_arrival *a)
{
    (void)user, (void)conversation, (void)a;
    if (problem != said_of) return;
    snprintf(said, sizeof said, "%s", detail);
    said_by = dir;
}

static struct talk *begin_said(enum wst_problem of)
{
    struct talk *t = begin();
    t->env.problem = keep_said;
    said_of = of;
    said[0] = 0;
    return t;
}

static void version_words(const char *header, const char *words)
{
    struct talk *t = begin_said(WST_PROBLEM_HANDSHAKE_VERSION);
    push(t, WST_C2S, "GET /chat HTTP/1.1\r\nHost: h\r\n" UP KEY);
    push(t, WST_C2S, header);
    push(t, WST_C2S, "\r\n");
    push(t, WST_S2C, YES);
    assert_string_equal(said, words);
    talk_free(t);
}

/* Another version, none, and one that cannot be read: each is called what it is. */
static void versions(void **state)
{
    (void)state;
    version_words(V13, "");
    version_words("Sec-WebSocket-Version: 8\r\n", "the request names version 8");
    version_words("", "the request names no version");
    version_words("Sec-WebSocket-Version:\r\n", "the request names no version");
    version_words("Sec-WebSocket-Version: 13, 13\r\n",
                  "the request's version is \"13, 13\", which is no number");
    version_words("Sec-WebSocket-Version: 13x\r\n", /* x is behind the digits */
                  "the request's version is \"13x\", which is no number");
    version_words("Sec-WebSocket-Version: /3\r\n", /* / is before them */
                  "the request's version is \"/3\", which is no number");
}

/* Whose it is: the request's, or of an answer that was captured alone, the server's. */
static void hixie(void **state)
{
    (void)state;
    for (int alone = 0; alone < 2; alone++) {
        struct talk *t = begin_said(WST_PROBLEM_HANDSHAKE_HIXIE);
        if (alone)
            talk_gap(t, WST_C2S, 99);
        else
            push(t, WST_C2S,
                 "GET /chat HTTP/1.1\r\nHost: h\r\n" UP "Sec-WebSocket-Key1: 4 @1\r\n"
                 "Sec-WebSocket-Key2: 12998\r\n\r\n^n:ds[4U");
        push(t, WST_S2C,
             "HTTP/1.1 101 WebSocket Protocol Handshake\r\n" UP
             "Sec-WebSocket-Location: ws://h/chat\r\n\r\n8jKS'y:G*Co,Wxa-");
        assert_string_equal(
            said, alone
                      ? "the answer carries Sec-WebSocket-Location instead of Sec-WebSocket-Accept"
                      : "the request carries Sec-WebSocket-Key1 instead of Sec-WebSocket-Key");
        assert_int_equal(said_by, alone ? WST_S2C : WST_C2S);
        talk_free(t);
    }
}

static void no_answer_words(struct wst_slice answer, size_t piece, const char *words)
{
    struct talk *t = begin_said(WST_PROBLEM_HANDSHAKE_NO_RESPONSE);
    push(t, WST_C2S, ASK);
    for (struct wst_slice s = answer; s.n; s = wst_slice_skip(s, wst_slice_head(s, piece).n))
        if (t->http.state == WST_HTTP_RUNNING) talk_push(t, WST_S2C, wst_slice_head(s, piece));
    wst_http_unanswered(&t->http, &t->env, false, &t->arrival);
    assert_string_equal(said, words);
    talk_free(t);
}

/* Silence, half an answer, and one of another protocol: nobody is told that the server was silent
 * when it was not. However the bytes were cut. */
static void no_answers(void **state)
{
#define NO_HTTP "what the server sent is no answer in HTTP/1; it begins with "
    static const struct {
        struct wst_slice answer;
        const char *words;
    } answers[] = {
        {SLICE(""), "no answer to the upgrade request was captured"},
        {SLICE("HTTP/1.1 101 Switching Protocols\r\nUpgrade: webso"),
         "the answer \"HTTP/1.1 101 Switching Protocols\" has no end: 48 bytes of its head were"
         " captured"},
        {SLICE("HTTP/1.1 400 Bad Reque"),
         "the answer to the upgrade request has no end: 22 bytes of its head were captured"},
        {SLICE("-ERR unknown command 'GET'\r\n"), NO_HTTP "\"-ERR unknown command 'GET'\""},
        {SLICE("220 mail.example\r\n\r\n500 5.5.1 unrecognized\r\n"),
         NO_HTTP "\"220 mail.example\""},
        {SLICE("\x89\0"), "what the server sent is no answer in HTTP/1, but begins like a ping"
                          " frame (89 00): a 101 must come before it"},
        {SLICE("\x81\5hello, world"),
         "what the server sent is no answer in HTTP/1, but begins like a text frame"
         " (81 05 68 65 6c 6c 6f 2c): a 101 must come before it"},
        {SLICE("\x81"), "what the server sent is no answer in HTTP/1; its bytes begin with 81"},
        {SLICE("\x16\3\3\0\x7a\2\n\0\x76"), "what the server sent is no answer in HTTP/1; its"
                                            " bytes begin with 16 03 03 00 7a 02 0a 00"},
        {SLICE("\x15\3\1\0\2\2\x46"),
         "the server answers with an alert of TLS: its port expects TLS, as of wss"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(answers); i++)
        for (size_t piece = 1; piece < 60; piece += 7)
            no_answer_words(answers[i].answer, piece, answers[i].words);
}

static void refusal_words(struct wst_slice answer, size_t piece, bool gap, const char *words)
{
    struct talk *t = begin_said(WST_PROBLEM_HANDSHAKE_REFUSAL_BODY);
    push(t, WST_C2S, ASK);
    for (struct wst_slice s = answer; s.n; s = wst_slice_skip(s, wst_slice_head(s, piece).n))
        if (!wst_http_passes(&t->http, WST_S2C, wst_slice_head(s, piece).n))
            talk_push(t, WST_S2C, wst_slice_head(s, piece));
    if (gap) talk_gap(t, WST_S2C, 100);
    for (int d = 0; d < 2; d++) wst_http_fin(&t->http, &t->env, (enum wst_dir)d, &t->arrival);
    assert_string_equal(said, words);
    talk_free(t);
}

/* What the body of a refusal says, however it is cut and framed; nothing where it says nothing, or
 * cannot be read. */
static void refusals(void **state)
{
#define NO_(head, body) SLICE("HTTP/1.1 400 Bad Request\r\n" head "\r\n" body)
#define FOURTY "123456789 123456789 123456789 123456789"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define EURO "\xe2\x82\xac"
    static const struct {
        struct wst_slice answer;
        const char *words;
        bool gap;
    } answers[] = {
        {NO_("Content-Length: 13\r\n", "Session taken"), "the answer says: Session taken", false},
        {NO_("Content-Length: 13\r\n", "Session taken"), "the answer says: Session taken", true},
        {NO_("Content-Length: 14\r\n", " no\r\n\tsession "), "the answer says: no session", false},
        {NO_("Content-Encoding: identity\r\n", "no"), "the answer says: no", false},
        {NO_("", "{\"code\":1,\"message\":\"Session ID unknown\"}"),
         "the answer says: {\"code\":1,\"message\":\"Session ID unknown\"}", false},
        {NO_(CHUNKED, "3\r\nno \r\n6;x=y\r\nroom \n\r\n0\r\n\r\n"), "the answer says: no room",
         false},
        {NO_(CHUNKED, "3\r\nno \r\n9\r\nroom"), "the answer says: no room...", true},
        {NO_("Content-Length: 500\r\n", "no room"), "the answer says: no room...", true},
        {NO_("Content-Length: 500\r\n", "no room"), "the answer says: no room...", false},
        {NO_("", EURO " na\xc3\xafve " EURO), "the answer says: " EURO " na\xc3\xafve " EURO,
         false},
        {NO_("Content-Length: 500\r\n", "no \xe2\x82"), "the answer says: no...", true},
        {NO_("", FOURTY " " FOURTY " " FOURTY " " FOURTY " and more"),
         "the answer says: " FOURTY " " FOURTY " " FOURTY " " FOURTY "...", false},
        {NO_("",
             "\xef\xbb\xbf<!DOCTYPE html><HTML><Title lang=en>\nDisallowedHost\n  at /</title>x"),
         "the title of the page: DisallowedHost at /", false},
        {NO_("", "<html><title>400 The plain HTTP request was sent to HTTPS port</title>"),
         "the title of the page: 400 The plain HTTP request was sent to HTTPS port", false},
        {NO_("", "<?xml version=\"1.0\"?><Code>NoKey</Code>"),
         "the answer says: <?xml version=\"1.0\"?><Code>NoKey</Code>", false},
        {NO_("", "<html><head><title>400 Bad Request</title></head>\r\n<body>Received invalid"
                 " WebSocket request</body></html>\r\n"),
         "the page says: Received invalid WebSocket request", false},
        {NO_("", "<html><body><h1>400 Bad request</h1>\nRequest forbidden by administrative"
                 " rules.\n</body></html>\n"),
         "the page says: Request forbidden by administrative rules.", false},
        {NO_("", "<html><head><style>p { a: b c d e }</style><title>400: Bad Request</title></head>"
                 "<body><script>if (1 < 2) a b c d;</script><h1>Bad Request</h1><p>400 - Bad"
                 " Request</p> <p>no such<br>room here"),
         "the page says: no such room here", false},
        {NO_("Content-Length: 900\r\n", "<html><body><h1>Bad Request</h1> no room for all"),
         "the page says: no room for all...", true},
        {NO_("",
             "<html><title>Error response</title><body><h1>Error response</h1><p>Error code: 400"
             "</p><p>Message: Bad Request.</p><p>Error code explanation: 400 - Bad request"
             " syntax or unsupported method.</p>"),
         "the page says: Bad request syntax or unsupported method.", false},
        {NO_("",
             "<html><title>Error response</title><body><h1>Error response</h1><p>Error code: 400"
             "</p><p>Message: no such room.</p>"),
         "the page says: Error response Error code: 400 Message: no such room.", false},
        {NO_("", "<html><title>Error</title><body>Error: no room"), "the page says: Error: no room",
         false},
        {NO_("", "<html><title>Error 4002</title><body>"), "the title of the page: Error 4002",
         false},
        {NO_("", "Error: no"), "the answer says: Error: no", false},
        {NO_("", "Errors"), "the answer says: Errors", false},
        {SLICE("HTTP/1.1 400 Invalid Upgrade Request\r\n\r\n<HTML><TITLE>Bad Request</TITLE><BODY>"
               "<H1>Bad Request</H1>Description: Could not process this request.</BODY>"),
         "the page says: Description: Could not process this request.", false},
        /* nothing new */
        {SLICE("HTTP/1.1 400 Invalid Upgrade Request\r\n\r\n<html><title>Bad Request</title>"), "",
         false},
        {SLICE("HTTP/1.1 400 No Room\r\n\r\n400 no room"), "", false},
        {NO_("",
             "<html><title>HTTP Status 400 \xe2\x80\x93 Bad Request</title><body><h1>HTTP Status"
             " 400 \xe2\x80\x93 Bad Request</h1><h3>Apache Tomcat/9.0</h3>"),
         "", false},
        {NO_("", "<html><title>Error 400 (Bad Request)!</title><body>Error 400"), "", false},
        {NO_("", "<html><title>Error response</title><body>Error response"), "", false},
        {NO_("", "HTTP Error"), "", false},
        {NO_("",
             "<html><head><title>400 Bad Request</title></head><body><center><h1>400 Bad Request"
             "</h1></center><hr><center>nginx/1.18.0 (Ubuntu)</center></body></html>"),
         "", false},
        {NO_("", "<html><title>Bad Request</title><body><script>a b c d e f g h"), "", false},
        {NO_("", "<html><title>Bad Request</title><body><"), "", false},
        {NO_("", "<html><title>Bad Request</title><body>a b \xff c d e f"), "", false},
        {NO_("", "Bad Request\n"), "", false},
        {NO_("", "400 bad request."), "", false},
        {NO_("", "400: Bad Request"), "", false},
        {NO_("", "<html><head><title>400 Bad Request</title></head><body>nginx"), "", false},
        {NO_("", "<html><body>no title"), "", false},
        {NO_("", "<html><title>without an end"), "", false},
        {NO_("", " \r\n"), "", false},
        {NO_("Content-Length: 0\r\n", "Session taken"), "", false},
        /* no text */
        {NO_("", "a\0b"), "", false},
        {NO_("", "caf\xe9 ferm\xe9"), "", false},
        {NO_("", "\x1b[2J"), "", false},
        {NO_("Content-Encoding: gzip\r\n", "looks like text"), "", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(answers); i++)
        for (size_t piece = 1; piece < 300; piece += piece < 80 ? 1 : 50)
            refusal_words(answers[i].answer, piece, answers[i].gap, answers[i].words);
}

/* Each refusal on a connection that is kept; and what is longer than is read. */
static void refusals_again(void **state)
{
    (void)state;
    static uint8_t body[2047];
    struct talk *t = begin_said(WST_PROBLEM_HANDSHAKE_REFUSAL_BODY);
    for (int i = 0; i < 3; i++) {
        char text[80];
        snprintf(text, sizeof text, "HTTP/1.1 403 No\r\nContent-Length: 7\r\n\r\nnot %d !", i);
        push(t, WST_C2S, ASK);
        push(t, WST_S2C, text);
        snprintf(text, sizeof text, "the answer says: not %d !", i);
        assert_string_equal(said, text);
        assert_true(wst_http_idle(&t->http));
    }
    memset(body, 'a', sizeof body);
    push(t, WST_C2S, ASK);
    push(t, WST_S2C, "HTTP/1.1 403 No\r\nContent-Length: 9000\r\n\r\n");
    said[0] = 0;
    talk_push(t, WST_S2C, wst_slice_of(body, 2047));
    assert_string_equal(said, "");
    assert_false(wst_http_passes(&t->http, WST_S2C, 1));
    talk_push(t, WST_S2C, wst_slice_of(body, 1));
    assert_int_equal(strlen(said), strlen("the answer says: ") + 160 + strlen("..."));
    assert_true(wst_http_passes(&t->http, WST_S2C, 6951)); /* as of any download */
    talk_push(t, WST_S2C, wst_slice_of(body, 1));
    assert_true(wst_http_idle(&t->http));
    talk_free(t);
}

/* No memory at any point: defined, and everything is given back. */
static void starved(void **state)
{
    (void)state;
    for (size_t memory = 0; memory < 12000; memory += 100) {
        struct talk *t = begin();
        t->budget.max = memory;
        push(t, WST_C2S, "GET /chat HTTP/1.1\r\nHo");
        push(t, WST_C2S, "st: h\r\n" UP KEY V13 "X: 1\r\n folded\r\n\r\nearly");
        push(t, WST_S2C, "HTTP/1.1 101 Switch");
        push(t, WST_S2C,
             "ing\r\n" UP ACCEPT "Sec-WebSocket-Extensions: a\r\n"
             "Sec-WebSocket-Extensions: b\r\n\r\nlate");
        talk_free(t);
        t = begin();
        t->budget.max = memory;
        push(t, WST_C2S, ASK);
        push(t, WST_S2C, "HTTP/1.1 403 No\r\n\r\nbe");
        push(t, WST_S2C, "cause");
        talk_free(t);
    }
}

/* Of a second request on the same connection, which is not answered, the rest of the first one's
 * refusal says nothing. */
static void refusal_then_nothing(const char *more, size_t times)
{
    struct talk *t = begin_said(WST_PROBLEM_HANDSHAKE_NO_RESPONSE);
    push(t, WST_C2S, ASK);
    push(t, WST_S2C, "HTTP/1.1 400 Bad Request\r\nContent-Length: 500\r\n\r\nno such session");
    push(t, WST_C2S, ASK_CHUNKS);
    for (size_t i = 0; i < times && t->http.state == WST_HTTP_RUNNING; i++) push(t, WST_C2S, more);
    wst_http_unanswered(&t->http, &t->env, false, &t->arrival);
    assert_string_equal(said, "no answer to the upgrade request was captured");
    talk_free(t);
}

static void refusals_cut_short(void **state)
{
    (void)state;
    refusal_then_nothing("zz\r\n", 1);
    refusal_then_nothing("0\r\n\r\n", 1);
    refusal_then_nothing("0\r\n\r\n" FOURTY FOURTY FOURTY, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversations),      cmocka_unit_test(rfc6455_1_3),
        cmocka_unit_test(answer_first),       cmocka_unit_test(heads_too_long),
        cmocka_unit_test(early_bytes),        cmocka_unit_test(unasked_server),
        cmocka_unit_test(long_pipeline),      cmocka_unit_test(long_lists),
        cmocka_unit_test(versions),           cmocka_unit_test(hixie),
        cmocka_unit_test(no_answers),         cmocka_unit_test(refusals),
        cmocka_unit_test(refusals_again),     cmocka_unit_test(starved),
        cmocka_unit_test(refusals_cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
