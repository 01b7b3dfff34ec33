/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of one side. Out: frames in turn; those of streams that nobody wants pass by.
 */
#include "seldom.h"
#include "session.h"
#include "stalls.h"
#include "streams.h"

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"; /* section 3.4 */
_Static_assert(sizeof preface == WST_HTTP2_PREFACE + 1, "with a NUL behind it");

static void session_die(struct wst_session_step *t, const char *why)
{
    t->side->dead = true;
    t->side->lost += t->side->have;
    if (t->dir == WST_C2S) t->h->deaf = true;
    wst_session_wrong(t, why, "behind what is missing nothing was found that could be read");
}

/* -- frames ------------------------------------------------------------------------------------ */

uint32_t wst_session_largest(const struct wst_http2 *h)
{
    return h->ahead > h->last_client ? h->ahead : h->last_client;
}

/* NULL: it may stand here. *whole: what it carries can be read all the same. */
static const char *frame_wrong(const struct wst_http2_side *s, const struct wst_http2_frame *f,
                               bool *whole)
{
    *whole = wst_payload_part(f) <= f->length;
    if (f->length > s->frame_max && s->bounded)
        return "a frame is longer than the other side allows";
    if (s->block && (f->type != WST_HTTP2_CONTINUATION || f->stream != s->block)) {
        if (f->type == WST_HTTP2_CONTINUATION) *whole = false;
        return "a header block is broken off by another frame";
    }
    if (!*whole) return "a frame is too short for what it begins with";
    *whole = false;
    return wst_http2_frame_wrong(f);
}

/* Too long for anybody, and nothing that HTTP/2 knows: these bytes are no frames. */
static bool frame_absurd(const struct wst_session_step *t, const struct wst_http2_frame *f)
{
    struct wst_http2_frame shorter = *f;
    shorter.length = 0;
    return f->length > t->side->frame_max &&
           (f->type >= WST_HTTP2_TYPES || f->stream > wst_session_largest(t->h) + WST_HTTP2_AHEAD ||
            (wst_http2_frame_wrong(&shorter) && wst_http2_frame_wrong(f)));
}

/* The server speaks on a stream that the client has not opened: its request was captured later. */
static bool frame_too_early(const struct wst_session_step *t, const struct wst_http2_frame *f)
{
    return t->dir == WST_S2C && !t->h->deaf && !t->h->midst && f->stream % 2 &&
           f->stream > t->h->last_client &&
           (f->type == WST_HTTP2_HEADERS || f->type == WST_HTTP2_DATA ||
            f->type == WST_HTTP2_RST_STREAM);
}

/* What was found behind a loss seems to carry bytes of a stream far ahead of all that were opened:
 * none is opened for it. A header that lacks its first byte looks like that. */
static bool frame_stray(const struct wst_session_step *t, const struct wst_http2_frame *f)
{
    return t->side->doubtful && f->type == WST_HTTP2_DATA &&
           f->stream > wst_session_largest(t->h) + 2 * WST_HTTP2_MISSED;
}

static void frame_over(struct wst_session_step *t)
{
    struct wst_http2_side *s = t->side;
    s->begun = false;
    s->have = 0;
    if (s->type == WST_HTTP2_SETTINGS && !(s->flags & WST_HTTP2_ACK)) {
        t->h->side[!t->dir].bounded = true;
        if (t->dir == WST_S2C) t->h->settled = true;
    }
    if (s->type == WST_HTTP2_GOAWAY) wst_payload_goaway(t);
    if (s->type == WST_HTTP2_DATA && s->flags & WST_HTTP2_END_STREAM)
        wst_streams_fin(t->h, t->env, t->dir, s->stream, t->arrival);
    if (wst_payload_block(s->type) && s->block && s->flags & WST_HTTP2_END_HEADERS)
        wst_payload_block_over(t);
}

/* Framing was found again at a frame behind which none begins: it was none. What it seemed to carry
 * came behind a gap, where nobody trusts what lies first; all of it may have been a stream's. */
static bool frame_belied(struct wst_session_step *t)
{
    struct wst_http2_side *s = t->side;
    struct wst_http2_frame f = wst_http2_frame_read(s->head);
    uint32_t doubtful = s->doubtful;
    s->doubtful = 0;
    if (!doubtful || wst_http2_frame_plausible(&f, s->frame_max, wst_session_largest(t->h)))
        return false;
    s->seeking = true;
    s->lost += doubtful;
    s->block = 0;
    wst_hpack_lose(s);
    return true;
}

bool wst_framing_begin(struct wst_session_step *t)
{
    struct wst_http2_side *s = t->side;
    struct wst_http2_frame f = wst_http2_frame_read(s->head);
    bool whole;
    const char *wrong = frame_wrong(s, &f, &whole);
    if (frame_absurd(t, &f)) {
        session_die(t, wrong ? wrong : "where a frame should begin none does");
        return true;
    }
    if (wrong) wst_session_wrong(t, wrong, WST_SESSION_MISFIT);
    bool stray = frame_stray(t, &f);
    if (!stray && frame_too_early(t, &f)) {
        t->h->holding = true;
        return false;
    }
    if (t->h->midst && !stray && f.stream % 2 && f.stream > t->h->ahead) t->h->ahead = f.stream;
    s->begun = true;
    s->opaque = stray || (wrong && !whole);
    s->type = f.type;
    s->flags = f.flags;
    s->stream = f.stream;
    s->left = f.length;
    s->pad = 0;
    s->part_n = s->opaque ? 0 : wst_payload_part(&f);
    s->part_have = 0;
    if (wst_payload_block(f.type)) wst_payload_block_begin(t, &f);
    if (wst_payload_block(f.type) && s->opaque) wst_payload_block_lose(t);
    if (f.type == WST_HTTP2_DATA && !s->opaque)
        wst_stalls_data(t->h, t->dir, f.stream, f.length, t->arrival);
    if (!s->left) frame_over(t);
    return true;
}

/* What came of the preface is none: frames are sought from there on. No header begins in it. */
static void preface_missed(struct wst_session_step *t)
{
    struct wst_http2_side *s = t->side;
    uint8_t came = (uint8_t)(WST_HTTP2_PREFACE - s->preface);
    uint8_t kept = came < WST_HTTP2_HEADER ? came : WST_HTTP2_HEADER - 1;
    wst_http2_join(t->h, wst_session_largest(t->h));
    wst_http2_framed(t->h, WST_S2C, 0);
    memcpy(s->head, preface + came - kept, kept);
    s->have = kept;
    s->lost = came - kept;
}

/* Bytes of the preface; how many were taken. */
static size_t preface_bytes(struct wst_session_step *t, struct wst_slice bytes)
{
    struct wst_http2_side *s = t->side;
    size_t n = s->preface < bytes.n ? s->preface : bytes.n;
    bool same = memcmp(bytes.p, preface + WST_HTTP2_PREFACE - s->preface, n) == 0;
    if (!same && t->h->late) {
        for (n = 0; bytes.p[n] == (uint8_t)preface[WST_HTTP2_PREFACE - s->preface]; n++)
            s->preface--;
        preface_missed(t);
        return n;
    }
    if (!same) session_die(t, "what the client sends does not begin as HTTP/2 does");
    s->preface = (uint8_t)(s->preface - n);
    return n;
}

/* -- the answer that granted it ---------------------------------------------------------------- */

/* It was captured behind the client's preface: the server's frames begin where it ends (RFC 7540
 * section 3.2). As a frame's header it would be that of 4.7 million bytes, of no known type. */
static bool upgrade_begins(const struct wst_session_step *t)
{
    return t->dir == WST_S2C && t->h->late && memcmp(t->side->head, "HTTP/1.", 7) == 0;
}

/* Bytes up to an empty line; how many were taken. */
static size_t upgrade_bytes(struct wst_http2_side *s, struct wst_slice bytes)
{
    size_t n = 0;
    while (n < bytes.n && s->upgrade) {
        uint8_t byte = bytes.p[n++];
        if (byte == '\n')
            s->upgrade = s->upgrade == 2 ? 0 : 2;
        else if (byte != '\r')
            s->upgrade = 1;
    }
    return n;
}

/* Bytes of a frame's header; how many were taken. */
static size_t header_bytes(struct wst_session_step *t, struct wst_slice bytes)
{
    struct wst_http2_side *s = t->side;
    size_t n = (size_t)WST_HTTP2_HEADER - s->have;
    if (n > bytes.n) n = bytes.n;
    memcpy(s->head + s->have, bytes.p, n);
    s->have = (uint8_t)(s->have + n);
    if (s->have < WST_HTTP2_HEADER) return n;
    if (upgrade_begins(t)) {
        s->upgrade = 1;
        s->have = 0;
    } else if (!frame_belied(t)) {
        wst_framing_begin(t);
    }
    return n;
}

/* -- after a loss ------------------------------------------------------------------------------ */

/* What was lost may have been anybody's: each stream is told when it goes on. */
static void seek_over(struct wst_session_step *t)
{
    struct wst_http2_side *s = t->side;
    s->seeking = false;
    s->gone += s->lost;
    s->lost = 0;
}

/* One byte more: a header may begin eight bytes before it. */
WST_APART static void seek_byte(struct wst_session_step *t, uint8_t byte)
{
    struct wst_http2_side *s = t->side;
    if (s->have == WST_HTTP2_HEADER) {
        memmove(s->head, s->head + 1, WST_HTTP2_HEADER - 1);
        s->have--;
        s->lost++;
    }
    s->head[s->have++] = byte;
    if (s->have < WST_HTTP2_HEADER) return;
    struct wst_http2_frame f = wst_http2_frame_read(s->head);
    /* Longer ones are read where frames are known to begin; but small numbers look like them. */
    uint32_t longest = t->h->joined ? WST_HTTP2_FRAME_MAX : s->frame_max;
    if (!wst_http2_frame_plausible(&f, longest, wst_session_largest(t->h)) ||
        wst_http2_frame_idle(&f))
        return;
    seek_over(t);
    s->doubtful = WST_HTTP2_HEADER + f.length;
    wst_framing_begin(t);
}

/* What ends in the midst of the frame that was found first was hardly one: of its bytes nobody has
 * been told, unless they are a stream's. */
static void found_belied(struct wst_http2_side *s)
{
    if (s->begun && s->doubtful && (s->type != WST_HTTP2_DATA || s->opaque))
        s->lost += s->doubtful - s->left;
    s->doubtful = 0;
}

/* Whether a WebSocket may have been opened in what is missing, and no stream tells of it. Answers
 * alone open none: of their requests, unless some of these are missing, too, there are streams. */
static bool opening_missed(const struct wst_session_step *t)
{
    const struct wst_http2_side *client = &t->h->side[WST_C2S];
    bool requests = t->dir == WST_C2S || client->holed || client->preface;
    return t->h->enabled && !t->h->streams.n && requests;
}

static void seek_begin(struct wst_session_step *t, uint64_t lost)
{
    struct wst_http2_side *s = t->side;
    s->lost += lost;
    if (!s->begun) s->lost += s->have;
    found_belied(s);
    s->seeking = s->holed = true;
    if (t->dir == WST_C2S) t->h->lacking = true;
    if (opening_missed(t))
        wst_session_tell(t, WST_PROBLEM_HTTP2_UNREAD,
                         "bytes are missing in which a WebSocket may have been opened");
    t->h->side[!t->dir].frame_max = UINT32_MAX; /* what allows them may be missing */
    s->begun = false;
    s->have = 0;
    s->preface = s->upgrade = 0;
    s->block = 0;
    wst_hpack_lose(s);
}

/* -- bytes ------------------------------------------------------------------------------------- */

static size_t session_step(struct wst_session_step *t, struct wst_slice bytes)
{
    struct wst_http2_side *s = t->side;
    size_t n;
    if (s->seeking) {
        seek_byte(t, bytes.p[0]);
        return 1;
    }
    if (s->preface) return preface_bytes(t, bytes);
    if (s->upgrade) return upgrade_bytes(s, bytes);
    if (!s->begun) return header_bytes(t, bytes);
    if (s->part_have < s->part_n) {
        n = wst_payload_part_bytes(t, bytes);
    } else {
        bool padding = s->left <= s->pad;
        n = padding ? s->left : s->left - s->pad;
        if (n > bytes.n) n = bytes.n;
        s->left -= (uint32_t)n;
        if (!padding) wst_payload_bytes(t, wst_slice_head(bytes, n));
    }
    if (!s->left && s->begun && !s->dead) frame_over(t);
    return n;
}

size_t wst_framing_run(struct wst_session_step *t, struct wst_slice bytes)
{
    size_t n = 0;
    while (n < bytes.n && !t->side->dead && !(t->h->holding && t->dir == WST_S2C))
        n += session_step(t, wst_slice_skip(bytes, n));
    if (!t->side->dead) return n;
    t->side->lost += bytes.n - n;
    return bytes.n;
}

void wst_framing_stop(struct wst_session_step *t)
{
    struct wst_http2_side *s = t->side;
    if (s->seeking) s->lost += s->have;
    found_belied(s);
    s->have = 0;
    s->begun = false;
    if (s->lost) seek_over(t);
}

/* Inside the payload of the frame that began: what follows it is known. */
static void gap_inside(struct wst_session_step *t, uint64_t n)
{
    struct wst_http2_side *s = t->side;
    bool torn = s->part_have < s->part_n; /* nobody knows how much is padding */
    if (torn) {
        n = s->type == WST_HTTP2_DATA ? s->left : n;
        s->part_have = s->part_n = 0;
    }
    uint64_t carried = s->left > s->pad ? s->left - s->pad : 0;
    uint64_t missing = n < carried ? n : carried;
    if (s->type == WST_HTTP2_DATA && missing && !s->opaque)
        wst_streams_hole(t->h, t->env, t->dir, s->stream, missing, !torn, t->arrival);
    if (wst_payload_block(s->type)) wst_payload_block_lose(t);
    if (s->type == WST_HTTP2_SETTINGS) {
        s->holed = true;
        t->h->side[!t->dir].frame_max = UINT32_MAX; /* what allows more may be missing */
    }
    if (s->type == WST_HTTP2_GOAWAY && !torn) { /* of its words the beginning is known */
        wst_payload_goaway(t);
        s->opaque = true;
    }
    if (s->type == WST_HTTP2_WINDOW_UPDATE || s->type == WST_HTTP2_PING) t->h->uncounted = true;
    if (s->type == WST_HTTP2_RST_STREAM && torn)
        wst_streams_reset(t->h, t->env, t->dir, s->stream, -1, t->arrival);
}

void wst_framing_gap(struct wst_session_step *t, uint64_t n, bool exact)
{
    struct wst_http2_side *s = t->side;
    if (s->dead) {
        s->lost += n;
        return;
    }
    if (s->seeking) {
        s->lost += n + s->have;
        s->have = 0;
        return;
    }
    if (!exact || !s->begun) {
        seek_begin(t, n);
        return;
    }
    bool torn = s->part_have < s->part_n;
    uint64_t inside = n < s->left ? n : s->left;
    gap_inside(t, inside);
    s->opaque |= torn;
    s->left -= (uint32_t)inside;
    if (!s->left) frame_over(t);
    if (n > inside) seek_begin(t, n - inside);
}
