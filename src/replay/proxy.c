/* SPDX-License-Identifier: MIT
 *
 * In: the name of a proxy, and what it answers. Out: bytes that ask it for a way to the server.
 * Refuses to take a byte behind the proxy's answer: that is the server's.
 *
 *     HTTP     > CONNECT host:port HTTP/1.1      < HTTP/1.1 200 …, to the empty line
 *              RFC 9110 section 9.3.6
 *     SOCKS 5  > 5 n methods                     < 5 method               RFC 1928 section 3
 *              > 1 name password                 < 1 status               RFC 1929
 *              > 5 1 0 address port              < 5 reply 0 address port RFC 1928 sections 4 to 6
 */
#include "escape.h"
#include "replay.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum step { ASK, HEAD, METHOD, LOGIN, REPLY, SORT, ADDRESS, DONE };
enum {
    NO_LOGIN = 0,
    BY_PASSWORD = 2,
    NO_METHOD = 0xff,
    NAME = 3,
    SMALL = 4 /* bytes of a reply, to the address */
};

/* -- its name ---------------------------------------------------------------------------------- */

static int hex(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* text[0..n), percent-decoded, as a string. */
static bool decode(char to[256], const char *text, size_t n)
{
    size_t length = 0;

    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (c == '%') {
            int high = n - i > 2 ? hex(text[i + 1]) : -1, low = n - i > 2 ? hex(text[i + 2]) : -1;
            if (high < 0 || low < 0) return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c == '\0' || length == 255) return false;
        to[length++] = c;
    }
    to[length] = '\0';
    return true;
}

static int read_login(struct wst_replay_proxy *p, const char *text, size_t n, char *error)
{
    const char *colon = memchr(text, ':', n);
    size_t name = colon ? (size_t)(colon - text) : n;

    p->login = true;
    if (!decode(p->name, text, name) || !p->name[0] ||
        !decode(p->password, colon ? colon + 1 : "", colon ? n - name - 1 : 0))
        return wst_replay_refuse(error, "its name and password cannot be read");
    if (!p->socks && strchr(p->name, ':')) /* RFC 7617 section 2 */
        return wst_replay_refuse(error,
                                 "a name with a colon in it cannot be told to an HTTP proxy");
    return 0;
}

int wst_replay_proxy_read(struct wst_replay_proxy *p, const char *text,
                          char error[WST_REPLAY_ERROR_SIZE])
{
    static const struct {
        const char *scheme;
        bool socks;
        uint16_t port;
    } kinds[] = {{"http://", false, 80}, {"socks5://", true, 1080}, {"socks5h://", true, 1080}};
    struct wst_replay_url url;
    const char *at = NULL;
    size_t n, i = 0;

    *p = (struct wst_replay_proxy){0};
    while (i < 3 && !wst_replay_scheme(&text, kinds[i].scheme)) i++;
    if (i == 3) return wst_replay_refuse(error, "it begins with http:// or socks5://");
    p->socks = kinds[i].socks;
    n = strcspn(text, "/?#");
    if (text[n] && strcmp(text + n, "/") != 0)
        return wst_replay_refuse(error,
                                 strchr(text + n, '@')
                                     ? "what is no letter or digit in its name and password stands "
                                       "percent-encoded"
                                     : "nothing stands behind its port");
    for (size_t k = 0; k < n; k++)
        if (text[k] == '@') at = text + k; /* the last: a password may have others */
    if (at && read_login(p, text, (size_t)(at - text), error) != 0) return -1;
    if (at) n -= (size_t)(at + 1 - text), text = at + 1;
    url = (struct wst_replay_url){.port = kinds[i].port};
    if (wst_replay_printable(text, n, error) != 0 ||
        wst_replay_authority(&url, text, n, error) != 0)
        return -1;
    memcpy(p->host, url.host, sizeof p->host);
    p->port = url.port;
    return 0;
}

/* -- what it is asked -------------------------------------------------------------------------- */

static void put(struct wst_replay_tunnel *t, const void *p, size_t n)
{
    if (n > sizeof t->bytes - t->n) n = sizeof t->bytes - t->n; /* they all fit */
    if (n) memcpy(t->bytes + t->n, p, n);
    t->n += n;
}

static void put_text(struct wst_replay_tunnel *t, const char *text)
{
    put(t, text, strlen(text));
}

static void ask_http(struct wst_replay_tunnel *t)
{
    const struct wst_replay_proxy *p = t->proxy;
    bool six = strchr(t->host, ':') != NULL;
    char where[300], login[2 * sizeof p->name];
    uint8_t text[WST_ESCAPE_BASE64_ROOM(sizeof login)];
    int n;

    snprintf(where, sizeof where, "%s%s%s:%u", six ? "[" : "", t->host, six ? "]" : "",
             (unsigned)t->port);
    put_text(t, "CONNECT ");
    put_text(t, where);
    put_text(t, " HTTP/1.1\r\nHost: ");
    put_text(t, where);
    if (p->login) { /* RFC 7617 */
        n = snprintf(login, sizeof login, "%s:%s", p->name, p->password);
        put_text(t, "\r\nProxy-Authorization: Basic ");
        put(t, text, (size_t)(wst_escape_base64_at(text, wst_slice_of(login, (size_t)n)) - text));
    }
    put_text(t, "\r\n\r\n");
    t->step = HEAD;
}

static void ask_socks(struct wst_replay_tunnel *t)
{
    const uint8_t hello[] = {5, t->proxy->login ? 2 : 1, NO_LOGIN, BY_PASSWORD};

    put(t, hello, t->proxy->login ? 4 : 3);
    t->step = METHOD;
    t->want = 2;
}

static void put_short(struct wst_replay_tunnel *t, const char *text)
{
    const uint8_t n = (uint8_t)strlen(text);

    put(t, &n, 1);
    put(t, text, n);
}

static void ask_login(struct wst_replay_tunnel *t)
{
    put(t, "\1", 1);
    put_short(t, t->proxy->name);
    put_short(t, t->proxy->password);
    t->step = LOGIN;
    t->want = 2;
}

/* A name is the proxy's to look up: what it knows may not be known here. */
static void ask_address(struct wst_replay_tunnel *t)
{
    const uint8_t port[2] = {(uint8_t)(t->port >> 8), (uint8_t)t->port};
    uint8_t ip[16];

    put(t, "\5\1\0", 3);
    if (inet_pton(AF_INET, t->host, ip) == 1) {
        put(t, "\1", 1);
        put(t, ip, 4);
    } else if (inet_pton(AF_INET6, t->host, ip) == 1) {
        put(t, "\4", 1);
        put(t, ip, 16);
    } else {
        put(t, "\3", 1);
        put_short(t, t->host);
    }
    put(t, port, 2);
    t->step = REPLY;
    t->want = 2; /* a refusal stands in front */
}

/* -- what it answers --------------------------------------------------------------------------- */

static void fail(struct wst_replay_tunnel *t, const char *what)
{
    snprintf(t->error, sizeof t->error, "the proxy %s", what);
}

static bool ends(struct wst_slice s, const char *with)
{
    size_t n = strlen(with);

    return s.n >= n && memcmp(s.p + s.n - n, with, n) == 0;
}

/* line[0..n): "HTTP/1.1 200 OK"; the reason may be missing, and the blank before it. */
static bool is_status(const uint8_t *line, size_t n)
{
    if (n < 12 || line[8] != ' ' || (n > 12 && line[12] != ' ')) return false;
    for (size_t i = 9; i < 12; i++)
        if (line[i] < '0' || line[i] > '9') return false;
    return true;
}

/* Who speaks something else may say no more than that, and is not waited for. */
static bool may_be_http(struct wst_slice head)
{
    static const char http[] = "HTTP/1.";

    return memcmp(head.p, http, head.n < sizeof http - 1 ? head.n : sizeof http - 1) == 0;
}

static void take_head(struct wst_replay_tunnel *t)
{
    struct wst_slice head = {t->in + t->head, t->in_n - t->head};
    bool whole = ends(head, "\n\r\n") || ends(head, "\n\n");
    size_t line = strcspn((const char *)head.p, "\r\n");

    if (!may_be_http(head) || (whole && !is_status(head.p, line)))
        fail(t, "does not speak HTTP");
    else if (!whole && t->in_n == sizeof t->in - 1)
        fail(t, "answers with a head that has no end");
    else if (!whole)
        return;
    else if (head.p[9] == '1' && memcmp(head.p + 9, "101", 3) != 0)
        t->head = t->in_n; /* the answer is still to come: RFC 9110 section 15.2 */
    else if (head.p[9] != '2')
        snprintf(t->error, sizeof t->error, "the proxy answered %.*s, not 200",
                 line - 9 < 100 ? (int)(line - 9) : 100, (const char *)head.p + 9);
    else
        t->step = DONE;
}

static void take_method(struct wst_replay_tunnel *t)
{
    if (t->in[0] != 5)
        fail(t, "does not speak SOCKS 5");
    else if (t->in[1] == NO_LOGIN)
        ask_address(t);
    else if (t->in[1] == BY_PASSWORD && t->proxy->login)
        ask_login(t);
    else if (t->in[1] == NO_METHOD)
        fail(t, t->proxy->login ? "takes no name and password"
                                : "wants a login, such as a name and password");
    else if (t->in[1] == BY_PASSWORD)
        fail(t, "wants a name and password");
    else
        fail(t, "wants a login that it was not offered");
}

static void take_reply(struct wst_replay_tunnel *t)
{
    static const char *const replies[] = {/* RFC 1928 section 6 */
                                          "",
                                          "has failed",
                                          "does not allow this connection",
                                          "cannot reach the server's network",
                                          "cannot reach the server",
                                          "was refused by the server",
                                          "gave up: the time to live was over",
                                          "makes no connections",
                                          "does not know this sort of address"};
    uint8_t reply = t->in[1];

    if (t->in[0] != 5)
        fail(t, "answers what is no SOCKS 5");
    else if (reply)
        fail(t, reply < sizeof replies / sizeof *replies ? replies[reply] : "has failed");
    t->step = SORT;
    t->want = SMALL + 1; /* an address has a byte at least, which may say how many */
}

static void take_sort(struct wst_replay_tunnel *t)
{
    uint8_t sort = t->in[3];
    size_t address = sort == 1 ? 4 : sort == 4 ? 16 : sort == NAME ? 1u + t->in[4] : 0;

    if (address == 0) fail(t, "answers what is no SOCKS 5");
    t->step = ADDRESS;
    t->want = SMALL + address + 2;
}

/* -- turns ------------------------------------------------------------------------------------- */

void wst_replay_tunnel_begin(struct wst_replay_tunnel *t, const struct wst_replay_proxy *proxy,
                             const char *host, uint16_t port)
{
    *t = (struct wst_replay_tunnel){.proxy = proxy, .host = host, .port = port};
    if (proxy->socks)
        ask_socks(t);
    else
        ask_http(t);
}

struct wst_slice wst_replay_tunnel_says(struct wst_replay_tunnel *t)
{
    struct wst_slice said = {t->bytes, t->n};

    t->n = 0;
    return said;
}

size_t wst_replay_tunnel_wants(const struct wst_replay_tunnel *t)
{
    if (t->step == DONE || t->error[0]) return 0;
    return t->step == HEAD ? 1 : t->want - t->in_n;
}

void wst_replay_tunnel_hears(struct wst_replay_tunnel *t, struct wst_slice bytes)
{
    size_t room = sizeof t->in - 1 - t->in_n;

    bytes = wst_slice_head(bytes, wst_replay_tunnel_wants(t));
    bytes = wst_slice_head(bytes, room);
    if (bytes.n) memcpy(t->in + t->in_n, bytes.p, bytes.n);
    t->in_n += bytes.n;
    t->in[t->in_n] = '\0';
    if (t->step == HEAD) {
        take_head(t);
        return;
    }
    if (t->in_n < t->want) return;
    if (t->step < REPLY) t->in_n = 0; /* a reply is taken by the piece */
    switch ((enum step)t->step) {
    case METHOD: take_method(t); break;
    case LOGIN:
        if (t->in[1] == 0)
            ask_address(t);
        else
            fail(t, "does not take this name and password");
        break;
    case REPLY: take_reply(t); break;
    case SORT: take_sort(t); break;
    case ADDRESS: t->step = DONE; break;
    default: break;
    }
}

const char *wst_replay_tunnel_failure(const struct wst_replay_tunnel *t)
{
    return t->error[0] ? t->error : NULL;
}
