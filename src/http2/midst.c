/* SPDX-License-Identifier: MIT
 *
 * In: bytes of a direction whose beginning nobody has seen. Out: what speaks for frames of HTTP/2
 * beginning there, in bits, and who sends such. Refuses headers that no sound endpoint writes, and
 * frames longer than anybody must allow.
 *
 *      ├─header─┤├─payload─┤├─header─┤├─payload─┤
 *      └── at ──┘          └── its length leads to another, or to the end of what came
 *
 *   evidence of a frame that its length leads out of                               bits (about)
 *   a length that no other frame of the type has, among constants                        20
 *   SETTINGS with settings that there are; a header block that begins as they do    14, 12
 *   DATA: small numbers and zeros are common                                              8
 *   … that carries whole frames of WebSocket                                             14
 *   what ends it is the end of what came                                                  8
 */
#include "session.h"
#include "slice.h"

enum {
    BITS_FIXED = 20,
    BITS_SETTINGS = 14,
    BITS_BLOCK = 12,
    BITS_DATA = 8,
    BITS_FRAMES = 14,
    BITS_END = 8,
    /* who sends such */
    SAYS_FRAMES = 1,
    SAYS_BLOCK = 4,
    CHAIN_MAX = 64,        /* frames looked at */
    LOOKS_MAX = 1 << 16,   /* at those that may lead to one believed */
    ZEROS_MAX = 8,         /* without evidence */
    STREAM_MAX = 1 << 24,  /* a stream's number is hardly larger */
    ERROR_CODE_MAX = 0x20, /* RFC 9113 section 7 knows 13 */
};

/* Frames that others define, and servers and browsers send: ALTSVC (RFC 7838), ORIGIN (RFC 8336),
 * PRIORITY_UPDATE (RFC 9218). */
enum { ALTSVC = 0xa, ORIGIN = 0xc, PRIORITY_UPDATE = 0x10 };

static bool is_extension(uint8_t type)
{
    return type == ALTSVC || type == ORIGIN || type == PRIORITY_UPDATE;
}

struct walk {
    struct wst_slice bytes;
    size_t at;
    uint32_t block; /* of whose header block the rest comes next; 0: of none */
    bool begun;     /* a frame was seen */
};

struct look {
    int bits, client;
    struct wst_http2_frame frame;
    struct wst_slice payload; /* as far as it is there */
    bool whole;
};

/* What a header block is: a request's, a response's, or nobody knows (RFC 7541 appendix A: the
 * first field of either is a pseudo-field, 8 to 14 are :status). */
static int block_says(uint8_t c)
{
    uint8_t name = c & 0x80 ? c & 0x7f : (c & 0xc0) == 0x40 ? c & 0x3f : c & 0x0f;
    if ((c & 0xe0) == 0x20) return 0; /* the size of the table */
    if (name >= 8 && name <= 14) return -SAYS_BLOCK;
    return name >= 1 && name <= 7 ? SAYS_BLOCK : 0;
}

static void look_block(struct look *l)
{
    struct wst_slice block = l->payload;
    size_t front = (l->frame.flags & WST_HTTP2_PADDED ? 1 : 0) +
                   (l->frame.flags & WST_HTTP2_PRIORITY_FLAG ? 5 : 0);
    block = wst_slice_skip(block, front);
    if (l->frame.length <= front) l->bits = -1;
    if (!block.n || l->bits < 0) return;
    l->client = block_says(block.p[0]);
    l->bits = l->client ? BITS_BLOCK : 0;
}

static void look_data(struct look *l)
{
    struct wst_slice s = l->payload;
    l->bits = l->frame.length && l->frame.stream % 2 ? BITS_DATA : 0;
    if (!l->whole || !l->bits || l->frame.flags & WST_HTTP2_PADDED) return;
    int masked = wst_connect_whole_frames(s);
    if (masked < 0) return;
    l->bits += BITS_FRAMES;
    l->client = masked ? SAYS_FRAMES : -SAYS_FRAMES;
}

/* Some write all settings there are: hyper-h2's client says that CONNECT is not enabled, its server
 * that it may not be pushed to. A server may not say that it may (RFC 9113 section 6.5.2). */
static void look_settings(struct look *l)
{
    enum { ENABLE_PUSH = 2, ENABLE_CONNECT_PROTOCOL = 8, KNOWN = 16, ENTRIES = 16 };
    const uint32_t UNSAID = UINT32_MAX;
    uint32_t push = UNSAID, connect = UNSAID;
    l->bits = l->frame.length && !(l->frame.flags & WST_HTTP2_ACK) ? BITS_SETTINGS : 0;
    if (l->frame.flags & WST_HTTP2_ACK) l->bits = l->frame.length ? -1 : BITS_SETTINGS;
    struct wst_slice s = wst_slice_head(l->payload, (size_t)6 * ENTRIES);
    for (; s.n >= 6 && l->bits > 0; s = wst_slice_skip(s, 6)) {
        uint16_t what = wst_be16(s.p);
        uint32_t value = wst_be32(s.p + 2);
        bool grease = (what & 0x0f0f) == 0x0a0a;
        if (what == 0 || (what > KNOWN && !grease)) l->bits = -1;
        if (what == ENABLE_PUSH) push = value;
        if (what == ENABLE_CONNECT_PROTOCOL) connect = value;
    }
    if (connect == 1)
        l->client = -SAYS_BLOCK;
    else if (push == 1 || (push == 0 && connect == UNSAID))
        l->client = SAYS_BLOCK;
}

/* It begins with a number of four bytes that has limits. */
static void look_number(struct look *l, int bits, uint32_t least, uint32_t most)
{
    l->bits = bits;
    if (l->payload.n < 4) return;
    uint32_t value = wst_be32(l->payload.p);
    if (value < least || value > most) l->bits = -1;
}

static void look_extension(struct look *l)
{
    const struct wst_http2_frame *f = &l->frame;
    bool update = f->type == PRIORITY_UPDATE;
    bool fits = update ? f->length >= 4 : f->length >= 2;
    if (!is_extension(f->type) || !fits || f->flags || f->reserved ||
        f->length > WST_HTTP2_FRAME_MAX || (f->type != ALTSVC && f->stream))
        l->bits = -1;
    else
        l->client = update ? SAYS_BLOCK : -SAYS_BLOCK;
}

/* What the frame at w->at says; bits -1: there is none. */
static struct look look(const struct walk *w)
{
    struct wst_slice rest = wst_slice_skip(w->bytes, w->at);
    struct look l = {.frame = wst_http2_frame_read(rest.p)};
    const struct wst_http2_frame *f = &l.frame;
    rest = wst_slice_skip(rest, WST_HTTP2_HEADER);
    l.whole = f->length <= rest.n;
    l.payload = wst_slice_head(rest, f->length);
    bool goes_on = f->type == WST_HTTP2_CONTINUATION;
    if (f->type >= WST_HTTP2_TYPES) {
        look_extension(&l);
        if (w->block) l.bits = -1;
        return l;
    }
    if (!wst_http2_frame_plausible(f, WST_HTTP2_FRAME_MAX, INT32_MAX) || f->stream >= STREAM_MAX ||
        (w->begun && (goes_on ? f->stream != w->block : w->block != 0))) {
        l.bits = -1;
        return l;
    }
    switch (f->type) {
    case WST_HTTP2_DATA: look_data(&l); break;
    case WST_HTTP2_HEADERS: look_block(&l); break;
    case WST_HTTP2_PRIORITY:
        l.client = SAYS_FRAMES;
        l.bits = BITS_FIXED;
        break;
    case WST_HTTP2_RST_STREAM: look_number(&l, BITS_FIXED, 0, ERROR_CODE_MAX); break;
    case WST_HTTP2_SETTINGS: look_settings(&l); break;
    case WST_HTTP2_PUSH_PROMISE: l.client = -SAYS_BLOCK; break;
    case WST_HTTP2_PING: l.bits = BITS_FIXED; break;
    case WST_HTTP2_GOAWAY: look_number(&l, BITS_BLOCK, 0, INT32_MAX); break;
    case WST_HTTP2_WINDOW_UPDATE: look_number(&l, BITS_FIXED, 1, INT32_MAX); break;
    default: break;
    }
    return l;
}

/* To behind the frame. */
static void walk_on(struct walk *w, const struct look *l)
{
    if (wst_payload_block(l->frame.type))
        w->block = l->frame.flags & WST_HTTP2_END_HEADERS ? 0 : l->frame.stream;
    w->begun = true;
    w->at += WST_HTTP2_HEADER + l->frame.length;
}

/* The same again says nothing new. Nor does another DATA of the same length: a table of numbers
 * whose rows begin alike is as many of these as it has rows. */
static void look_again(struct look *l, struct wst_slice frame, struct wst_slice before)
{
    enum { SAME = 64 /* bytes that tell */ };
    if (frame.n != before.n || memcmp(frame.p, before.p, WST_HTTP2_HEADER) != 0) return;
    if (!memcmp(frame.p, before.p, wst_slice_head(frame, SAME).n))
        l->bits = l->client = 0;
    else if (l->frame.type == WST_HTTP2_DATA && l->bits)
        l->bits -= BITS_DATA;
}

/* The beginning of a header that is not whole. */
static bool rest_may_begin(struct wst_slice s)
{
    if (s.n > 3 && s.p[3] >= WST_HTTP2_TYPES && !is_extension(s.p[3])) return false;
    return s.p[0] == 0 && (s.n < 2 || s.p[1] <= WST_HTTP2_FRAME_MAX >> 8);
}

bool wst_http2_midst_look(struct wst_slice bytes, struct wst_http2_midst *m)
{
    struct walk w = {.bytes = bytes};
    struct wst_slice before = {NULL, 0};
    unsigned zeros = 0;
    *m = (struct wst_http2_midst){0};
    for (unsigned i = 0; i < CHAIN_MAX && w.at < bytes.n; i++) {
        struct wst_slice rest = wst_slice_skip(bytes, w.at);
        if (rest.n < WST_HTTP2_HEADER) return rest_may_begin(rest);
        struct look l = look(&w);
        if (l.bits < 0) return false;
        if (l.frame.stream % 2 && l.frame.stream > m->largest) m->largest = l.frame.stream;
        walk_on(&w, &l);
        if (!l.whole) return true;
        rest = wst_slice_head(rest, WST_HTTP2_HEADER + l.payload.n);
        look_again(&l, rest, before);
        m->bits += l.bits + (l.bits && w.at == bytes.n ? BITS_END : 0);
        m->client += l.client;
        m->frames += l.bits > 0;
        if (!l.bits && ++zeros > ZEROS_MAX) return true;
        before = rest;
    }
    return true;
}

/* Whether frames from `at` on end exactly at `found`; *looks: so many frames may still be looked
 * at.
 */
static bool leads(struct wst_slice bytes, size_t at, size_t found, unsigned *looks)
{
    struct walk w = {.bytes = wst_slice_head(bytes, found), .at = at};
    for (unsigned zeros = 0; w.at < found; --*looks) {
        if (found - w.at < WST_HTTP2_HEADER || !*looks) return false;
        struct look l = look(&w);
        if (l.bits < 0 || !l.whole) return false;
        if (!l.bits && (w.at == at || ++zeros > ZEROS_MAX)) return false;
        walk_on(&w, &l);
    }
    return !w.block;
}

size_t wst_http2_midst_back(struct wst_slice bytes, size_t found)
{
    unsigned looks = LOOKS_MAX;
    for (size_t at = 0; at + WST_HTTP2_HEADER <= found; at++)
        if (bytes.p[at] == 0 && bytes.p[at + 3] < WST_HTTP2_TYPES &&
            leads(bytes, at, found, &looks))
            return at;
    return found;
}
