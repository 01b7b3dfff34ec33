/* SPDX-License-Identifier: MIT
 *
 * In: a line or field of an opening handshake. Out: the reason it is there, or what is wrong with
 * it; NULL: nothing is known of it.
 */
#include <string.h>

#include "slice.h"
#include "subject.h"

struct wst_slice wst_head_line(struct wst_slice *rest)
{
    const uint8_t *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    struct wst_slice line = {rest->p, end ? (size_t)(end - rest->p) : rest->n};
    *rest = wst_slice_skip(*rest, line.n + 1);
    if (line.n && line.p[line.n - 1] == '\r') line.n--;
    return line;
}

/* -- why a header is there --------------------------------------------------------------------- */

static const struct reason {
    const char *name, *request, *response;
} reasons[] = {
    {"Host", "which of the names this server answers to is meant (section 4.1 item 4)", NULL},
    {"Upgrade", "asks HTTP to become WebSocket on this very connection (item 5)",
     "agrees: from the empty line on it is WebSocket (section 4.2.2 item 5)"},
    {"Connection", "Upgrade concerns this hop only: proxies must not pass it on blindly (item 6)",
     "the same for the answer"},
    {"Sec-WebSocket-Key",
     "16 random bytes in base64; what answers must prove that it knows WebSocket (item 7)", NULL},
    {"Sec-WebSocket-Key1", "of a draft of 2010, which had two keys; RFC 6455 has one", NULL},
    {"Sec-WebSocket-Key2", "of a draft of 2010, which had two keys; RFC 6455 has one", NULL},
    {"Sec-WebSocket-Version", "13 is RFC 6455; lower ones are drafts (item 9)",
     "the versions that the server speaks, when it refuses (section 4.4)"},
    {"Sec-WebSocket-Protocol", "subprotocols the client can speak, best first (item 10)",
     "the one subprotocol chosen of those offered"},
    {"Sec-WebSocket-Extensions", "extensions the client offers, best first (item 11, section 9)",
     "those that are used, with their parameters"},
    {"Sec-WebSocket-Accept", NULL,
     "proof that this server read the key; no cache or other server answers so (item 5.4)"},
    {"Origin",
     "the page that opens it; a browser sends it, and a server can refuse strangers (item 8, "
     "section 10.2)",
     NULL},
    {"User-Agent", "which program asks; for statistics only", NULL},
    {"Cookie", "who is asking, as in any HTTP request (section 4.1 item 12)", NULL},
    {"Authorization", "who is asking, as in any HTTP request (section 10.5)", NULL},
    {"Cache-Control", "no cache should answer in the server's place", NULL},
    {"Pragma", "the same for caches of HTTP/1.0", NULL},
    {"Accept-Encoding", "about HTTP bodies; means nothing to WebSocket", NULL},
    {"Accept-Language", "the languages a person reads", NULL},
    {"Accept", "about HTTP bodies; means nothing to WebSocket", NULL},
    {"Server", NULL, "which program answers"},
    {"X-Powered-By", NULL, "which framework answers"},
    {"Via", "proxies on the way", "proxies on the way"},
    {"X-Forwarded-For", "the client a proxy speaks for", NULL},
    {"Date", NULL, "when the answer was made"},
    {"Content-Length", "length of an HTTP body; a GET needs none",
     "length of the HTTP body that says why not"},
    {"Content-Type", NULL, "kind of the HTTP body that says why not"},
    {"Transfer-Encoding", NULL, "the HTTP body comes in pieces"},
    {"Location", NULL, "where to ask instead"},
    {"Retry-After", NULL, "when to ask again"},
    {"Set-Cookie", NULL, "who the server takes this to be, as in any HTTP response"},
    {"Sec-Fetch-Mode", "which kind of request the browser makes; websocket", NULL},
    {"Sec-Fetch-Site", "whether the page is of the same site as the server", NULL},
    {"Sec-Fetch-Dest", "what the browser wants it for; websocket", NULL},
    {"X-Forwarded-Proto", "whether the client's side of a proxy is TLS", NULL},
    {"X-Real-IP", "the client a proxy speaks for", NULL},
    {"Forwarded", "the client a proxy speaks for", NULL},
    {"DNT", "a wish not to be followed; means nothing to WebSocket", NULL},
    {"WWW-Authenticate", NULL, "how to say who is asking"},
    {"Keep-Alive", "about HTTP; nothing of it is left after the upgrade",
     "about HTTP; nothing of it is left after the upgrade"},
};

static const char *reason_of(struct wst_slice name, bool response)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (wst_slice_is_nocase(name, reasons[i].name))
            return response ? reasons[i].response : reasons[i].request;
    return NULL;
}

/* Whether `word` is one of the words of the value, whatever its case; a comma stands between two.
 */
static bool has_word(struct wst_slice value, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= value.n; i++) {
        bool begins = i == 0 || value.p[i - 1] == ',' || value.p[i - 1] == ' ';
        bool ends = i + n == value.n || value.p[i + n] == ',' || value.p[i + n] == ' ';
        if (begins && ends && wst_slice_is_nocase((struct wst_slice){value.p + i, n}, word))
            return true;
    }
    return false;
}

/* The lines of one name are one list (RFC 9110 section 5.3): whether another one has the word. */
static bool list_has_word(struct wst_slice head, const char *name, const char *word)
{
    struct wst_slice line;
    size_t len = strlen(name);
    for (unsigned n = 0; head.n && n < HANDSHAKE_LINES; n++) {
        line = wst_head_line(&head);
        if (!line.n) break;
        if (line.n > len && line.p[len] == ':' && wst_same_nocase(line.p, name, len) &&
            has_word(wst_slice_skip(line, len + 1), word))
            return true;
    }
    return false;
}

/* What is wrong with the value, or is meant otherwise than mostly; NULL: nothing. */
static const char *value_reason(struct wst_slice head, struct wst_slice name,
                                struct wst_slice value, bool response, int32_t status)
{
    if (wst_slice_is_nocase(name, "Connection") && !has_word(value, "upgrade")) {
        if (response && status != 101) return "about HTTP: whether it goes on after this answer";
        if (list_has_word(head, "Connection", "upgrade"))
            return "one list with the line that names Upgrade (RFC 9110 section 5.3)";
        return response ? "wrong: it must name Upgrade (section 4.2.2 item 5.3)"
                        : "wrong: it must name Upgrade (item 6)";
    }
    if (wst_slice_is_nocase(name, "Upgrade") && !has_word(value, "websocket")) {
        if (response && status != 101) return "which other protocols the server speaks";
        return list_has_word(head, "Upgrade", "websocket")
                   ? "one list with the line that names websocket (RFC 9110 section 5.3)"
                   : "wrong: it must name websocket (item 5)";
    }
    if (wst_slice_is_nocase(name, "Sec-WebSocket-Version") && !response &&
        !wst_slice_is(value, "13"))
        return "wrong: 13 is RFC 6455; other numbers are those of drafts (item 9)";
    return NULL;
}

const char *wst_status_reason(int32_t status)
{
    if (status == 101) return "yes: the protocol is switched after the empty line (section 4.2.2)";
    if (status >= 300 && status < 400)
        return "no: ask elsewhere; a client may follow (section 4.1)";
    if (status == 401) return "no: say who you are; HTTP goes on (section 4.1)";
    if (status == 426) return "no: speak another version (section 4.4)";
    return "no: the connection stays HTTP (section 4.1)";
}

const char *wst_field_reason(struct wst_slice head, struct wst_slice name, struct wst_slice value,
                             bool response, int32_t status)
{
    const char *why = value_reason(head, name, value, response, status);
    return why ? why : reason_of(name, response);
}

/* -- over HTTP/2 (RFC 8441) and HTTP/3 (RFC 9220) ---------------------------------------------- */

static const struct reason reasons_h2[] = {
    {":method",
     "an extended CONNECT: not the server, this stream is asked for (RFC 8441 section 4)", NULL},
    {":protocol", "what the stream is to speak; HTTP/1.1 has Upgrade for it (RFC 8441 section 4)",
     NULL},
    {":scheme", "https for a wss URI, http for ws (RFC 8441 section 5)", NULL},
    {":path", "path and query of the URI; HTTP/1.1 has them behind GET", NULL},
    {":authority", "which of the names this server answers to is meant; HTTP/1.1 has Host for it",
     NULL},
    {"Upgrade", "wrong: no such field in HTTP/2; :protocol says it (RFC 9113 section 8.2.2)",
     "wrong: no such field in HTTP/2 (RFC 9113 section 8.2.2)"},
    {"Connection", "wrong: no such field in HTTP/2 (RFC 9113 section 8.2.2)",
     "wrong: no such field in HTTP/2 (RFC 9113 section 8.2.2)"},
    {"Sec-WebSocket-Key", "means nothing here: HTTP/2 needs no such proof (RFC 8441 section 5)",
     NULL},
    {"Sec-WebSocket-Accept", NULL,
     "means nothing here: HTTP/2 needs no such proof (RFC 8441 section 5)"},
    {"Content-Length", "length of an HTTP body; a CONNECT has none",
     "length of the HTTP body that says why not"},
};

/* What of these HTTP/3 says elsewhere; all else is RFC 8441's (RFC 9220 section 3). */
static const struct reason reasons_h3[] = {
    {"Upgrade", "wrong: no such field in HTTP/3; :protocol says it (RFC 9114 section 4.2)",
     "wrong: no such field in HTTP/3 (RFC 9114 section 4.2)"},
    {"Connection", "wrong: no such field in HTTP/3 (RFC 9114 section 4.2)",
     "wrong: no such field in HTTP/3 (RFC 9114 section 4.2)"},
    {"Sec-WebSocket-Key", "means nothing here: HTTP/3 needs no such proof (RFC 8441 section 5)",
     NULL},
    {"Sec-WebSocket-Accept", NULL,
     "means nothing here: HTTP/3 needs no such proof (RFC 8441 section 5)"},
};

static const struct reason *stream_reason_row(struct wst_slice name, bool h3)
{
    for (size_t i = 0; h3 && i < sizeof reasons_h3 / sizeof *reasons_h3; i++)
        if (wst_slice_is_nocase(name, reasons_h3[i].name)) return &reasons_h3[i];
    for (size_t i = 0; i < sizeof reasons_h2 / sizeof *reasons_h2; i++)
        if (wst_slice_is_nocase(name, reasons_h2[i].name)) return &reasons_h2[i];
    return NULL;
}

static const char *stream_status(int32_t status, bool h3)
{
    if (status / 100 == 2) return "yes: from here on the stream is WebSocket (RFC 8441 section 5)";
    if (status == 101)
        return h3 ? "wrong: HTTP/3 has no 101 (RFC 9114 section 4.5)"
                  : "wrong: HTTP/2 has no 101 (RFC 9113 section 8.6)";
    if (status >= 300 && status < 400) return "no: ask elsewhere";
    return h3 ? "no: the stream is over, the QUIC connection goes on"
              : "no: the stream is over, the HTTP/2 connection goes on";
}

const char *wst_stream_reason(const struct wst_header *f, bool response, int32_t status, bool h3)
{
    if (wst_slice_is(f->name, ":status")) return stream_status(status, h3);
    const struct reason *row = stream_reason_row(f->name, h3);
    if (row) return response ? row->response : row->request;
    return wst_field_reason((struct wst_slice){NULL, 0}, f->name, f->value, response, status);
}
