/* SPDX-License-Identifier: MIT
 *
 * In: a recorded handshake, and where it goes now. Out: a request, RFC 6455 section 4.1.
 * Refuses bytes that would end a line, wherever they come from: over HTTP/2 a capture can hold them
 * in the middle of a value.
 */
#include "escape.h"
#include "replay.h"

#include <stdio.h>
#include <string.h>

struct request {
    struct wst_buf *to;
    struct wst_budget *budget;
    const struct wst_replay_options *options;
    bool full;
};

/* What this handshake says itself, or what speaks of a connection that is not this one. */
static const char *const ours[] = {
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
    "TE",
    "Trailer",
    "Keep-Alive",
    "Proxy-Connection",
    "HTTP2-Settings",
    "Expect",
};

static bool is_ours(struct wst_slice name)
{
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (wst_slice_is_nocase(name, ours[i])) return true;
    return false;
}

/* RFC 9110 section 5.6.2. */
static bool is_token(struct wst_slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = wst_ascii_lower(s.p[i]);
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') &&
            (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return s.n > 0;
}

static bool is_line(struct wst_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f) return false;
    return true;
}

static bool is_target(struct wst_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] == 0x7f || s.p[i] == '#') return false;
    return s.n > 0 && s.p[0] == '/';
}

static void put(struct request *r, struct wst_slice s)
{
    if (!wst_buf_append(r->to, r->budget, s, WST_REPLAY_REQUEST_MAX)) r->full = true;
}

static void put_text(struct request *r, const char *text)
{
    put(r, wst_slice_text(text));
}

static void put_line(struct request *r, struct wst_slice name, struct wst_slice value)
{
    put(r, name);
    put_text(r, ": ");
    put(r, value);
    put_text(r, "\r\n");
}

/* -- header lines of the caller's -------------------------------------------------------------- */

static struct wst_slice name_of(const char *line)
{
    return wst_slice_of(line, strcspn(line, ":"));
}

static struct wst_slice value_of(const char *line)
{
    const char *colon = strchr(line, ':');

    return wst_slice_trimmed(wst_slice_text(colon ? colon + 1 : ""));
}

/* Whether the caller speaks of lines of this name. */
static bool replaced(const struct request *r, struct wst_slice name)
{
    for (size_t i = 0; i < r->options->headers_n; i++) {
        struct wst_slice other = name_of(r->options->headers[i]);
        if (other.n == name.n && wst_same_nocase(other.p, (const char *)name.p, name.n))
            return true;
    }
    return false;
}

static int check_own(const struct wst_replay_options *o, char *error)
{
    for (size_t i = 0; i < o->headers_n; i++) {
        const char *line = o->headers[i];
        struct wst_slice name = name_of(line);
        const char *why = NULL;

        if (strchr(line, ':') == NULL || !is_token(name))
            why = "is not 'Name: value'";
        else if (!is_line(value_of(line)))
            why = "has control characters in it";
        else if (is_ours(name))
            why = "is the handshake's own";
        if (why == NULL) continue;
        snprintf(error, WST_REPLAY_ERROR_SIZE, "the header line '%.200s' %s", line, why);
        return -1;
    }
    return 0;
}

/* -- lines of the recording -------------------------------------------------------------------- */

static int refuse_recorded(char *error, const char *what, struct wst_slice name)
{
    snprintf(error, WST_REPLAY_ERROR_SIZE, "the recorded %s%.*s cannot be sent as it is", what,
             (int)(name.n < 100 ? name.n : 100), (const char *)name.p);
    return -1;
}

static int put_known(struct request *r, const char *name, struct wst_slice value, char *error)
{
    if (value.p == NULL || replaced(r, wst_slice_text(name))) return 0;
    if (!is_line(value)) return refuse_recorded(error, "", wst_slice_text(name));
    put_line(r, wst_slice_text(name), value);
    return 0;
}

static int put_recorded(struct request *r, const struct wst_replay_script *script, char *error)
{
    size_t n;
    const struct wst_replay_field *fields = wst_replay_script_fields(script, &n);

    for (size_t i = 0; i < n; i++) {
        struct wst_slice name = wst_replay_script_text(script, fields[i].name);
        struct wst_slice value = wst_replay_script_text(script, fields[i].value);

        if (is_ours(name) || replaced(r, name) || wst_slice_starts(name, ":") ||
            wst_slice_is_nocase(name, "Host") || wst_slice_is_nocase(name, "Origin") ||
            wst_slice_is_nocase(name, "Sec-WebSocket-Protocol"))
            continue;
        if (!is_token(name) || !is_line(value)) return refuse_recorded(error, "line ", name);
        put_line(r, name, value);
    }
    return 0;
}

/* -- the whole --------------------------------------------------------------------------------- */

/* A request to a proxy names the server, too. */
static struct wst_slice without_server(struct wst_slice target)
{
    static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        struct wst_slice rest = wst_slice_skip(target, strlen(schemes[i]));
        const uint8_t *slash;
        if (!wst_slice_starts(target, schemes[i])) continue;
        slash = memchr(rest.p, '/', rest.n);
        return slash ? wst_slice_skip(rest, (size_t)(slash - rest.p)) : wst_slice_text("/");
    }
    return target;
}

static int put_target(struct request *r, const struct wst_replay_script *script, char *error)
{
    const char *given = r->options->url->target;
    struct wst_slice recorded = wst_replay_script_target(script);

    put_text(r, "GET ");
    if (given) {
        if (*given == '?') put_text(r, "/");
        put_text(r, given);
    } else if (recorded.p == NULL) {
        snprintf(error, WST_REPLAY_ERROR_SIZE,
                 "the request is not in the capture; give a path in the URL");
        return -1;
    } else {
        recorded = without_server(recorded);
        if (!is_target(recorded))
            return refuse_recorded(error, "request target ", wst_slice_head(recorded, 0));
        put(r, recorded);
    }
    put_text(r, " HTTP/1.1\r\n");
    return 0;
}

int wst_replay_request(struct wst_buf *to, struct wst_budget *budget,
                       const struct wst_replay_script *script,
                       const struct wst_replay_options *options, const uint8_t key[16],
                       char error[WST_REPLAY_ERROR_SIZE])
{
    struct request r = {to, budget, options, false};
    uint8_t text[24];

    if (check_own(options, error) != 0 || put_target(&r, script, error) != 0) return -1;
    if (!replaced(&r, wst_slice_text("Host")))
        put_line(&r, wst_slice_text("Host"), wst_slice_text(options->url->authority));
    put_text(&r, "Upgrade: websocket\r\nConnection: Upgrade\r\n");
    wst_escape_base64_at(text, wst_slice_of(key, 16));
    put_line(&r, wst_slice_text("Sec-WebSocket-Key"), wst_slice_of(text, sizeof text));
    put_text(&r, "Sec-WebSocket-Version: 13\r\n");
    if (put_known(&r, "Origin", wst_replay_script_origin(script), error) != 0 ||
        put_known(&r, "Sec-WebSocket-Protocol", wst_replay_script_protocols(script), error) != 0 ||
        (!options->plain && put_known(&r, "Sec-WebSocket-Extensions",
                                      wst_replay_script_deflate(script), error) != 0) ||
        (options->recorded_headers && put_recorded(&r, script, error) != 0))
        return -1;
    for (size_t i = 0; i < options->headers_n; i++) {
        struct wst_slice value = value_of(options->headers[i]);
        if (value.n) put_line(&r, name_of(options->headers[i]), value);
    }
    put_text(&r, "\r\n");
    if (!r.full) return 0;
    snprintf(error, WST_REPLAY_ERROR_SIZE, "the request is too long");
    return -1;
}
